// npm run pictures: takes the pictures of docs/images anew, in Chromium, of what they show as it is.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './support.mjs'

for (const name of ['playground.ts', 'log-viewer.mjs', 'log-export.mjs']) {
  console.log(name)
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/pictures', name)], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
