/** Returns the paths in `value` that contain `secret`, at any depth: in text, keys, non-enumerable properties, and its JSON. */
export function mentions(value: unknown, secret: string): readonly string[] {
  const seen = new Set<unknown>()
  const found: string[] = []
  const visit = (part: unknown, path: string): void => {
    if (typeof part === 'string' && part.includes(secret)) found.push(path)
    if ((typeof part !== 'object' && typeof part !== 'function') || part === null || seen.has(part)) return
    seen.add(part)
    if (part instanceof Map || part instanceof Set) for (const item of part) visit(item, `${path}{}`)
    if (part instanceof Headers) for (const [name, header] of part) visit(header, `${path}.${name}`)
    if (part instanceof Error) visit(String(part), `String(${path})`)
    for (const key of Reflect.ownKeys(part)) {
      visit(String(key), `key of ${path}`)
      visit(valueAt(part, key), `${path}.${String(key)}`)
    }
  }
  visit(value, 'value')
  if (json(value).includes(secret)) found.push('JSON')
  return found
}

function valueAt(object: object, key: string | symbol): unknown {
  try {
    return Reflect.get(object, key)
  } catch {
    return undefined
  }
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
