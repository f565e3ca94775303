package io.tandem.coordinator;

import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.jobs.JobTiming;
import io.tandem.coordinator.metrics.CoordinatorMetrics;
import io.tandem.coordinator.rest.RestServer;
import io.tandem.coordinator.store.Housekeeping;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.control.PeerCertificates;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running coordinator: store, control plane and REST. When it has to step down it closes the
 * latter two and starts them again on the same ports, which joins the others anew. Thread-safe.
 */
public final class CoordinatorServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CoordinatorServer.class);

  /** How often the store is tidied up. */
  private static final Duration EVERY = Duration.ofMinutes(1);

  private final CoordinatorSettings settings;
  private final JobTiming timing;
  private final Store store;
  private final CoordinatorMetrics metrics;
  private final Housekeeping housekeeping;
  private final CompletableFuture<Void> failed = new CompletableFuture<>();
  private volatile ControlPlane plane;
  private volatile RestServer rest;
  private boolean closed;

  private CoordinatorServer(CoordinatorSettings settings, JobTiming timing, Store store) {
    this.settings = settings;
    this.timing = timing;
    this.store = store;
    boolean hasFile = settings.database().isEmpty();
    this.metrics = new CoordinatorMetrics(Optional.of(settings.store()).filter(d -> hasFile));
    this.housekeeping = Housekeeping.start(store, settings.keep(), EVERY);
  }

  /**
   * Starts a coordinator and returns once it serves: alone, when it manages jobs; with others, when
   * it has begun to join them. While it waits for its database REST answers that already.
   *
   * @throws io.tandem.coordinator.store.StoreInUseException when another one owns the store
   * @throws io.tandem.coordinator.store.StoreUnavailableException when the database was away for as
   *     long as the settings allow
   * @throws IllegalArgumentException when REST would be open to others without a token
   * @throws IllegalStateException when a port cannot be bound
   */
  public static CoordinatorServer start(CoordinatorSettings settings) {
    return start(settings, JobTiming.standard());
  }

  /** As {@link #start(CoordinatorSettings)}, with another clock. */
  public static CoordinatorServer start(CoordinatorSettings settings, JobTiming timing) {
    RestServer.checkBinding(settings.restHost(), settings.security());
    Store store = settings.database().map(Store::of).orElseGet(() -> Store.open(settings.store()));
    CoordinatorServer server = new CoordinatorServer(settings, timing, store);
    try {
      server.serve(settings.controlPort(), settings.restPort(), settings.patience());
      return server;
    } catch (InterruptedException e) {
      server.close();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the coordinator started", e);
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void serve(int controlPort, int restPort, Duration patience) throws InterruptedException {
    synchronized (this) {
      if (closed) {
        return;
      }
      PeerCertificates peers = settings.protection().certificates();
      if (peers != null) {
        metrics.certificate("control", peers.expiry());
      }
      plane =
          ControlPlane.start(
              store,
              timing,
              settings.controlHost(),
              controlPort,
              settings.formation(),
              settings.protection());
      rest =
          RestServer.start(
              plane, store, metrics, settings.restHost(), restPort, settings.security());
    }
    store.awaitOpen(patience);
    plane.join();
    plane
        .steppedDown()
        .thenAccept(reason -> new Thread(() -> serveAgain(reason), "rejoin").start());
  }

  private void serveAgain(String reason) {
    synchronized (this) {
      if (closed) {
        return;
      }
    }
    LOG.warn("this coordinator steps down: {}; it joins again", reason);
    int restPort = restPort();
    int controlPort = controlPort();
    try {
      stop();
      serve(controlPort, restPort, settings.patience());
    } catch (InterruptedException | RuntimeException e) {
      LOG.error("this coordinator cannot go on", e);
      failed.completeExceptionally(e);
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

  /** Completes, always with a failure, when this coordinator had to step down and is of no use. */
  public CompletionStage<Void> failed() {
    return failed;
  }

  private synchronized void stop() {
    if (rest != null) {
      rest.close();
    }
    if (plane != null) {
      plane.close();
    }
  }

  /** Stops serving; running attempts go on. A second call does nothing. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    stop();
    metrics.close();
    housekeeping.close();
    store.close();
  }
}
