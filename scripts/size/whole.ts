export * from 'chaintap'
