/** Whether a retry may succeed after this HTTP status: 408 Request Timeout, 425 Too Early, 429 Too Many Requests, or 5xx. */
export const isTransientStatus = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500
