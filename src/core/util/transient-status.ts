/** Whether a request that was answered with this HTTP status may succeed later: 408 Request Timeout, 425 Too Early, 429 Too Many Requests, 5xx. */
export const isTransientStatus = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500
