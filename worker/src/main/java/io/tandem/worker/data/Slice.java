package io.tandem.worker.data;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;

/**
 * A range of places in a global batch.
 *
 * @param from the first
 * @param to past the last
 */
public record Slice(int from, int to) {
  public Slice {
    if (from < 0 || to < from) {
      throw new IllegalArgumentException("slice " + from + ".." + to);
    }
  }

  /** How many places. */
  public int size() {
    return to - from;
  }

  /** One of {@code parts} contiguous parts whose sizes differ by at most one. */
  public Slice part(int parts, int index) {
    return new Slice(
        from + (int) ((long) size() * index / parts),
        from + (int) ((long) size() * (index + 1) / parts));
  }

  /** The places of one replica in a batch of that size. */
  public static Slice ofReplica(int batch, Mesh mesh, int replica) {
    return new Slice(0, batch).part(mesh.replicas(), replica);
  }

  /** The places that one rank decodes. Over all ranks, sizes differ by at most one. */
  public static Slice ofRank(int batch, Mesh mesh, Rank rank) {
    return ofReplica(batch, mesh, rank.replica()).part(mesh.shards(), rank.shard());
  }
}
