import type { Backend, KeptHead } from './backend.ts'
import { isOver } from './prune.ts'
import type { PruneLimits } from './store.ts'

const ring: PruneLimits = { maxRecords: 10_000, maxBytes: 16_777_216 }

/** Segments in memory, in a ring: the oldest go when there are more than it may hold. */
export function memoryBackend(limits: PruneLimits = ring): Backend {
  let heads: readonly KeptHead[] = []
  let key = 0
  let changed = (_isRemoval: boolean): void => {}
  const bodies = new Map<string, string>()
  const remove = (gone: readonly KeptHead[]): void => {
    for (const { name } of gone) bodies.delete(name)
    heads = heads.filter(({ name }) => bodies.has(name))
  }
  const hold = (): void => {
    const newestFirst = heads.toReversed()
    if (!newestFirst.some(isOver(limits))) return
    // Somewhat more than needed: after a removal runs are told of whole again, which is not to happen at every write.
    remove(newestFirst.filter(isOver(lower(limits))))
    changed(true)
  }
  return {
    isDurable: false,
    async add(segments) {
      const added = segments.map(({ head }) => ({ ...head, key: ++key }))
      heads = [...heads, ...added]
      for (const { head, body } of segments) bodies.set(head.name, body)
      hold()
      return added.map((head) => head.key)
    },
    async heads({ from, to, order, limit }) {
      const found = heads.filter((head) => head.key >= from && head.key <= to)
      return (order === 'desc' ? found.toReversed() : found).slice(0, limit)
    },
    bodies: async (names) => names.map((name) => bodies.get(name)),
    remove: async (gone) => remove(gone),
    clear: async () => remove(heads),
    watch(hear) {
      changed = hear
    },
    close() {},
  }
}

const PART = 15 / 16

const lower = ({ maxRecords = Infinity, maxBytes = Infinity, maxAgeMs = Infinity }: PruneLimits): PruneLimits => ({
  maxRecords: maxRecords * PART,
  maxBytes: maxBytes * PART,
  maxAgeMs,
})
