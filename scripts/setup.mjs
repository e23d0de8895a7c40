// node scripts/setup.mjs [browsers]: prepares a fresh clone. Has no dependencies, runs on Node 20, prints nothing if nothing has to be
// done.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasOwnNode, nodeIsOld, nodeNeeded, onPath, root, toolchain, toolchainBin } from './support.mjs'

// Debian's browsers for tests: a program, and its package. The driver depends on WebKitGTK and its MiniBrowser; Xvfb is its screen.
const debianPackages = { chromium: 'chromium', 'firefox-esr': 'firefox-esr', WebKitWebDriver: 'webkit2gtk-driver', Xvfb: 'xvfb' }

const say = (/** @type {string} */ text) => console.log(`setup: ${text}`)

setUpNode()
setUpPackages()
if (process.argv.includes('browsers') && process.env.SKIP_BROWSERS !== '1') setUpBrowsers()

function setUpNode() {
  if (!nodeIsOld()) return
  installPackages(toolchain, `Node ${process.versions.node} is older than ${nodeNeeded}; installing a newer one into scripts/toolchain`)
  if (hasOwnNode() && spawnSync(join(toolchainBin, 'node'), ['--version']).status === 0) return
  // Node is an optional package there, and npm skips an optional package that it cannot load.
  rmSync(stampOf(toolchain), { force: true })
  fail(
    `Node ${process.versions.node} is too old, and a newer one could not be installed: the registry is not reachable, or it has no Node for ${process.platform} on ${process.arch}. Install Node ${nodeNeeded} or newer, or retry with a network connection.`,
  )
}

function setUpPackages() {
  installPackages(root, 'installing packages')
}

/**
 * Runs npm ci if the lockfile has changed since the last installation.
 * @param {string} folder
 * @param {string} what
 */
function installPackages(folder, what) {
  const stamp = stampOf(folder)
  const hash = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  say(`${what} …`)
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder)) {
    fail('npm ci failed (reason above). Without a network, every package must be in the npm cache. With a network, run this again.')
  }
  writeFileSync(stamp, hash)
}

/** @param {string} folder */
function stampOf(folder) {
  return join(folder, 'node_modules', '.chaintap-setup')
}

function setUpBrowsers() {
  if (!isDebian()) return installPlaywright(['chromium', 'firefox', 'webkit'])
  const missing = Object.entries(debianPackages).flatMap(([program, name]) => (onPath(program) === undefined ? [name] : []))
  if (missing.length > 0) installDebian(missing)
}

// Not Ubuntu: its chromium package is a stub that requires snap.
function isDebian() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  return /^ID="?debian"?$/m.test(release) && onPath('apt-get') !== undefined
}

/** @param {string[]} packages */
function installDebian(packages) {
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  if (process.getuid?.() !== 0) {
    say(`browsers for the tests are missing. Installing them requires root: sudo apt-get ${install.join(' ')}`)
    return
  }
  say(`installing ${packages.join(', ')} …`)
  apt(['update'])
  if (!apt(install)) say(`apt-get could not install ${packages.join(', ')} (reason above). Tests run in the installed engines.`)
}

/** @param {string[]} args */
function apt(args) {
  const result = spawnSync('apt-get', ['-q', ...args], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, encoding: 'utf8' })
  if (result.status !== 0) console.error(result.stderr)
  return result.status === 0
}

/** @param {string[]} browsers */
function installPlaywright(browsers) {
  const stamp = join(root, 'node_modules', '.chaintap-browsers')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === browsers.join(' ')) return
  say(`installing ${browsers.join(', ')} …`)
  const playwright = join(root, 'node_modules', 'playwright', 'cli.js')
  if (run(process.execPath, [playwright, 'install', ...browsers], root)) writeFileSync(stamp, browsers.join(' '))
  else say('the browsers could not be downloaded (reason above). Tests run in the installed engines.')
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function run(command, args, cwd) {
  return spawnSync(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' }).status === 0
}

/** @param {string} text @returns {never} */
function fail(text) {
  console.error(`setup: ${text}`)
  process.exit(1)
}
