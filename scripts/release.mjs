// npm run release -- VERSION (such as 0.2.0): checks the tree, dates the version in CHANGELOG.md, sets it in package.json and
// package-lock.json, commits and tags. It does not publish: its last lines print the commands.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './support.mjs'

const [version = ''] = process.argv.slice(2)
const changelog = join(root, 'CHANGELOG.md')
const pending = `## ${version} (unreleased)`

if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) stop(`"${version}" is not a version. Write: npm run release -- 0.2.0`)
if (output('git', 'status', '--porcelain') !== '') stop('The working tree has uncommitted changes. Commit or stash them first.')
if (output('git', 'tag', '--list', `v${version}`) !== '') stop(`The tag v${version} already exists.`)
const text = readFileSync(changelog, 'utf8')
if (!text.includes(pending)) stop(`CHANGELOG.md has no heading "${pending}". Add it, with the changes.`)

run('bash', '.ci/run')
writeFileSync(changelog, text.replace(pending, `## ${version} (${new Date().toISOString().slice(0, 10)})`))
for (const file of ['package.json', 'package-lock.json']) {
  const path = join(root, file)
  // The first `version` in either file is the package's own; a lockfile repeats it in its root package.
  const own = /^((?: {2}| {6})"version": ")[^"]+(?=",?$)/gm
  let left = file === 'package.json' ? 1 : 2
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(own, (whole, head) => (left-- > 0 ? head + version : whole)),
  )
}
run('git', 'commit', '--quiet', '--all', '--message', `Release ${version}`)
run('git', 'tag', `v${version}`)
console.log(`\nReleased ${version} locally. To publish it:\n\n  git push --follow-tags\n  npm publish`)

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, ...args) {
  if (spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status !== 0) stop(`${command} ${args.join(' ')} failed.`)
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function output(command, ...args) {
  return spawnSync(command, args, { cwd: root, encoding: 'utf8' }).stdout.trim()
}

/** @param {string} reason @returns {never} */
function stop(reason) {
  console.error(`release: ${reason}`)
  process.exit(1)
}
