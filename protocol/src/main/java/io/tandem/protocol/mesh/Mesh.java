package io.tandem.protocol.mesh;

/**
 * The grid of ranks, {@code replicas x shards}. Rank {@code (r, s)} has index {@code r * shards +
 * s}.
 *
 * @param replicas R, at least 1
 * @param shards S, at least 1
 */
public record Mesh(int replicas, int shards) {
  public Mesh {
    if (replicas < 1 || shards < 1) {
      throw new IllegalArgumentException(
          "mesh " + replicas + "x" + shards + ": replicas and shards must be at least 1");
    }
  }

  /** R * S. */
  public int size() {
    return Math.multiplyExact(replicas, shards);
  }

  /** The rank with that index. */
  public Rank rank(int index) {
    if (index < 0 || index >= size()) {
      throw new IllegalArgumentException("rank " + index + " is not in 0.." + (size() - 1));
    }
    return new Rank(index / shards, index % shards);
  }

  /** The index of that rank. */
  public int index(Rank rank) {
    return rank.replica() * shards + rank.shard();
  }

  /** The indices of the ranks of one worker group, in the order of their shards. */
  public int[] group(int replica) {
    return java.util.stream.IntStream.range(0, shards).map(s -> replica * shards + s).toArray();
  }

  /**
   * The indices of the ranks that hold the same shard in every replica, in the order of replicas.
   */
  public int[] twins(int shard) {
    return java.util.stream.IntStream.range(0, replicas).map(r -> r * shards + shard).toArray();
  }
}
