// The numbers that stand in commands for what is to be done, and under which condition.

export const action = { put: 0, delete: 1, increment: 2, append: 3, touch: 4 } as const;
export type Action = (typeof action)[keyof typeof action];

export const conditionKind = { none: 0, absent: 1, present: 2, version: 3 } as const;
export type ConditionKind = (typeof conditionKind)[keyof typeof conditionKind];

/** What becomes of the key's expiry: none from now on, a new one, or as it was. */
export const expiryMode = { never: 0, at: 1, keep: 2 } as const;
export type ExpiryMode = (typeof expiryMode)[keyof typeof expiryMode];

/** What happens to slots, by number: see slots-command.ts. */
export const slotsModes = ["open", "seal", "close"] as const;
