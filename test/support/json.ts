/**
 * Whether `JSON.parse` can be trusted with it: V8 13.6 to 14.6 (Node, workerd) reads a key that is one escape as a backslash, once it has
 * met that one there (https://github.com/nodejs/node/issues/63785).
 */
export const isReadRight = (json: string): boolean => !/"\\(?:u[\da-f]{4}|.)"\s*:/i.test(json)
