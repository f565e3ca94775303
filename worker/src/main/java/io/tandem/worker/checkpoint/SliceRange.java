package io.tandem.worker.checkpoint;

/**
 * The elements of a flattened tensor that one shard holds: {@code [from, from + count)}. All shards
 * but the last ones hold {@code ceil(n / shards)}; the last ones may hold fewer or none.
 */
public record SliceRange(long from, long count) {
  public SliceRange {
    if (from < 0 || count < 0) {
      throw new IllegalArgumentException("from " + from + ", count " + count);
    }
  }

  /** The part of shard {@code shard} of {@code shards}, of n elements. */
  public static SliceRange of(long n, int shard, int shards) {
    if (n < 0 || shard < 0 || shard >= shards) {
      throw new IllegalArgumentException(
          "n " + n + ", shard " + shard + " of " + shards + " shards");
    }
    long part = (n + shards - 1) / shards;
    long from = Math.min(n, shard * part);
    return new SliceRange(from, Math.min(n, from + part) - from);
  }

  /** One past the last element. */
  public long end() {
    return from + count;
  }
}
