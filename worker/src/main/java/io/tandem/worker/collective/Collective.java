package io.tandem.worker.collective;

/**
 * The kinds of collectives, with the factors by which nccl-tests (its doc/PERFORMANCE.md) makes bus
 * bandwidth of algorithm bandwidth, so that it says what the busiest link carries.
 */
public enum Collective {
  ALL_REDUCE("all-reduce"),
  REDUCE_SCATTER("reduce-scatter"),
  ALL_GATHER("all-gather"),
  ALL_TO_ALL("all-to-all"),
  BROADCAST("broadcast"),
  BARRIER("barrier"),
  HALO("halo");

  private final String label;

  Collective(String label) {
    this.label = label;
  }

  /** As results and metrics name it. */
  public String label() {
    return label;
  }

  /** Bus bandwidth over bytes a second, between so many members. */
  public double busFactor(int members) {
    double others = (members - 1.0) / members;
    return switch (this) {
      case ALL_REDUCE -> 2 * others;
      case REDUCE_SCATTER, ALL_GATHER, ALL_TO_ALL -> others;
      case BROADCAST, BARRIER, HALO -> 1;
    };
  }
}
