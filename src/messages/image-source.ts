import type { Part } from '../core/message.ts'
import { invalidMessageError } from './invalid-message.ts'

/** An image at an address, or as base64. */
export type ImageSource = { readonly url: string } | { readonly data: string; readonly mediaType: string }

/** How the base64 of an image begins. Providers compare the image with its media type and refuse a wrong one. */
const signatures: readonly (readonly [start: string, mediaType: string])[] = [
  ['/9j/', 'image/jpeg'],
  ['iVBORw', 'image/png'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
]

/**
 * Returns the image of a part. `data:` URLs, which most providers accept nowhere else, become base64, and a wrong media type the right one.
 *
 * @throws ChaintapError `invalid_message` for a `data:` URL without base64 or without a media type.
 */
export function imageSource(part: Extract<Part, { type: 'image' }>): ImageSource {
  const content = 'data' in part ? part.data : part.url
  const isDataUrl = /^data:/i.test(content)
  if (!isDataUrl && 'url' in part) return part
  const [head = '', type = 'data' in part ? part.mediaType : ''] = /^data:([^;,]*)[^,]*;base64,/i.exec(content) ?? []
  // Base64 from the command line has line breaks.
  const data = content.slice(head.length).replace(/\s+/g, '')
  const declared = type.split(';')[0]?.trim().toLowerCase().replace('image/jpg', 'image/jpeg')
  const mediaType = signatures.find(([start]) => data.startsWith(start))?.[1] ?? declared
  if (mediaType && (head || !isDataUrl)) return { data, mediaType }
  throw invalidMessageError("The data: URL of an image must begin with its type and encoding: 'data:image/png;base64,…'.")
}

/** Returns the URL of an image, which is a `data:` URL for base64. */
export function imageUrl(part: Extract<Part, { type: 'image' }>): string {
  const source = imageSource(part)
  return 'url' in source ? source.url : `data:${source.mediaType};base64,${source.data}`
}
