import type { Dashboard } from '@grafana/schema';

/** A type as its JSON is written: the names of an enumeration as text. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

export type PlainDashboard = Plain<Dashboard>;
