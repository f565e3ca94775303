package io.tandem.deploy;

/** What is to run on a host of a {@link FaultCluster}. */
record Post(Role role, String host) {
  enum Role {
    SPARE,
    WORKER,
    COORDINATOR
  }

  static Post coordinator(String host) {
    return new Post(Role.COORDINATOR, host);
  }

  static Post worker(String host) {
    return new Post(Role.WORKER, host);
  }

  /** One more worker than the host's own. */
  static Post spare(String host) {
    return new Post(Role.SPARE, host);
  }

  boolean isWorker() {
    return role != Role.COORDINATOR;
  }
}
