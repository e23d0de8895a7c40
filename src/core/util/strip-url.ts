/** Removes the user, the password, the query and the fragment from a URL, for messages and records. */
export const stripUrlSecrets = (url: string): string => url.replace(/\/\/[^/]*@/, '//').replace(/[?#].*/s, '')
