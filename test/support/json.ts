/**
 * Whether `JSON.parse` reads this text correctly. V8 13.6 to 14.6 (Node, workerd) reads a key that is a single escape as a backslash once
 * it has read a backslash as that key (https://github.com/nodejs/node/issues/63785).
 */
export const isReadRight = (json: string): boolean => !/"\\(?:u[\da-f]{4}|.)"\s*:/i.test(json)
