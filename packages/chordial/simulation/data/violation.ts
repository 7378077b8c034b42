/** Something happened that must not, whatever the trouble. */
export class Violation extends Error {}
