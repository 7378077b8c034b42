/** A violated property that no fault excuses. */
export class Violation extends Error {}
