// npm run pictures: makes the pictures of docs/images: screenshots of the pages in Chromium, and the drawing of the folders.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './support.mjs'

for (const name of ['playground.ts', 'log-viewer.mjs', 'log-export.mjs', 'structure.ts']) {
  console.log(name)
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/pictures', name)], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
