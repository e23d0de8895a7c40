import { ChaintapError } from '../errors.ts'
import type { Run } from '../event.ts'
import { possibleUsage, type Usage } from '../usage.ts'
import { reportGlobally } from '../util/report-error.ts'
import type { Tree } from './tree.ts'

/** A run that receives usage from outside. */
export interface UsageReceiver {
  readonly run: Run
  readonly tree: Tree
}

/** Returns a usage without figures that cannot be true. The first such usage of a tree is reported; the run continues. */
export const checkUsage = (usage: Usage, { run, tree }: UsageReceiver): Usage =>
  possibleUsage(usage, (figures) => {
    if (tree.hasReportedUsage) return
    tree.hasReportedUsage = true
    const message = `${run.name} received impossible usage (${figures.join(', ')}): left out. Counts are whole numbers of 0 or more.`
    reportGlobally(new ChaintapError('wire', message))
  })
