import { chromium } from 'playwright'
import { onPath } from './support.mjs'

/** The first two allow root to run it without a screen; the others disable its network use. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium: the system's if there is one, else Playwright's. */
export function launchChromium() {
  const executablePath = onPath('chromium')
  return chromium.launch({ ...(executablePath !== undefined && { executablePath }), args: chromiumArgs })
}
