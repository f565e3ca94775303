package io.tandem.protocol.mesh;

/**
 * One cell of the mesh.
 *
 * @param replica the worker group, from 0
 * @param shard the part within the group, from 0
 */
public record Rank(int replica, int shard) {
  @Override
  public String toString() {
    return "(" + replica + "," + shard + ")";
  }
}
