export { createClient } from './client.js'
export { RowcallError } from './error.js'
export { byKey } from './rows.js'
export type * from './types.js'
