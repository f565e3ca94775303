package io.tandem.coordinator;

/** Job files for tests. */
public final class TestJobs {
  private TestJobs() {}

  /** A small job for that mesh. */
  public static String yaml(int replicas, int shards) {
    return """
        name: test
        mesh: {replicas: %d, shards: %d}
        data: {format: idx, path: /data, imageHeight: 28, imageWidth: 28, channels: 1, classes: 10}
        model: {family: mlp}
        algorithm: {name: supervised}
        training: {steps: 10, labeledBatch: 12}
        """
        .formatted(replicas, shards);
  }

  /** The same in that pool. */
  public static String yaml(int replicas, int shards, String pool) {
    return yaml(replicas, shards) + "pool: " + pool + "\n";
  }
}
