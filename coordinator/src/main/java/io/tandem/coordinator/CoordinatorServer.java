package io.tandem.coordinator;

import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.jobs.JobTiming;
import io.tandem.coordinator.metrics.CoordinatorMetrics;
import io.tandem.coordinator.rest.RestServer;
import io.tandem.coordinator.store.Store;

/** A running coordinator: store, control plane and REST. Thread-safe. */
public final class CoordinatorServer implements AutoCloseable {
  private final Store store;
  private final ControlPlane plane;
  private final RestServer rest;
  private final CoordinatorMetrics metrics;

  private CoordinatorServer(
      Store store, ControlPlane plane, RestServer rest, CoordinatorMetrics metrics) {
    this.store = store;
    this.plane = plane;
    this.rest = rest;
    this.metrics = metrics;
  }

  /**
   * Starts a coordinator and returns once it serves.
   *
   * @throws io.tandem.coordinator.store.StoreInUseException when another one owns the store
   * @throws IllegalArgumentException when REST would be open to others without a token
   * @throws IllegalStateException when a port cannot be bound
   */
  public static CoordinatorServer start(CoordinatorSettings settings) {
    return start(settings, JobTiming.standard());
  }

  /** As {@link #start(CoordinatorSettings)}, with another clock. */
  public static CoordinatorServer start(CoordinatorSettings settings, JobTiming timing) {
    RestServer.checkBinding(settings.restHost(), settings.token());
    Store store = Store.open(settings.store());
    CoordinatorMetrics metrics = new CoordinatorMetrics();
    ControlPlane plane = null;
    try {
      plane = ControlPlane.start(store, timing, settings.controlHost(), settings.controlPort());
      RestServer rest =
          RestServer.start(
              plane, store, metrics, settings.restHost(), settings.restPort(), settings.token());
      return new CoordinatorServer(store, plane, rest, metrics);
    } catch (RuntimeException e) {
      if (plane != null) {
        plane.close();
      }
      metrics.close();
      store.close();
      throw e;
    }
  }

  /** The port that REST listens on. */
  public int restPort() {
    return rest.port();
  }

  /** The port that workers reach. */
  public int controlPort() {
    return plane.port();
  }

  /** Stops serving; running attempts go on. A second call does nothing. */
  @Override
  public synchronized void close() {
    rest.close();
    plane.close();
    metrics.close();
    store.close();
  }
}
