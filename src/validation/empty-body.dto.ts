/** Nothing: no body, an empty one, `null` and `{}` mean the same. */
export class EmptyBodyDto {}
