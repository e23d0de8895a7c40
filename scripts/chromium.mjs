import { chromium } from 'playwright'
import { onPath } from './support.mjs'

/** The first two let root run it without a screen; the rest keep it off the network. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium: the system's, else playwright's own. */
export function launchChromium() {
  const executablePath = onPath('chromium')
  return chromium.launch({ ...(executablePath !== undefined && { executablePath }), args: chromiumArgs })
}
