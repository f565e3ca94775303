package io.tandem.coordinator.jobs;

import akka.actor.Address;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.cluster.typed.JoinSeedNodes;
import akka.management.cluster.bootstrap.ClusterBootstrap;
import akka.management.javadsl.AkkaManagement;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoreUnavailableException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins the other coordinators, or forms a cluster where there is none. Among {@link
 * Formation.Peers} the store says who may form one: nobody while a leader lives, and one at a time.
 * So any coordinator can begin alone, and two that do not see each other do not both. Thread-safe.
 */
final class Membership {
  private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
  private static final String FORM = "form";

  /** How often joining is begun anew. */
  private static final Duration AGAIN = Duration.ofSeconds(8);

  /** A leader that has not shown itself for so long lives no more. */
  private static final Duration FRESH = Duration.ofSeconds(10);

  /** Within that time a leader that lives shows itself. */
  private static final Duration WATCH = Duration.ofSeconds(4);

  /** By then who may form a cluster has formed it, and leads. */
  private static final Duration FORMING = Duration.ofSeconds(20);

  private final ActorSystem<?> system;
  private final Cluster cluster;
  private final Store store;
  private final String holder;
  private final Executor blocking;

  Membership(ActorSystem<?> system, Store store, String holder) {
    this.system = system;
    this.cluster = Cluster.get(system);
    this.store = store;
    this.holder = holder;
    this.blocking =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(ControlPlane.DISPATCHER));
  }

  /**
   * Begins to join; where others are away that is tried until the actor system ends.
   *
   * @throws IllegalStateException when this coordinator knows of no others, and the store does
   */
  void join(Formation formation) throws InterruptedException {
    Address self = cluster.selfMember().address();
    if (formation instanceof Formation.Peers peers) {
      List<Address> others = new ArrayList<>();
      for (InetSocketAddress peer : peers.addresses()) {
        Address other = address(peer.getHostString(), peer.getPort());
        if (!other.equals(self)) {
          others.add(other);
        }
      }
      join(self, List.copyOf(others));
    } else if (formation instanceof Formation.Kubernetes) {
      manage();
      ClusterBootstrap.get(system).start();
    } else {
      if (store.isShared()) {
        awaitNoLeader();
      }
      cluster.manager().tell(Join.create(self));
    }
  }

  private void manage() throws InterruptedException {
    try {
      AkkaManagement.get(system).start().toCompletableFuture().get(20, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(
          "the management port cannot be listened on: choose another (--management-port)", e);
    }
  }

  private Address address(String host, int port) {
    return new Address("akka", system.name(), host, port);
  }

  private void join(Address self, List<Address> others) {
    MemberStatus status = cluster.selfMember().status();
    if (cluster.isTerminated() || !status.equals(MemberStatus.removed())) {
      return; // "removed" is also what was never added
    }
    List<Address> seeds = new ArrayList<>();
    if (mayForm()) {
      seeds.add(self); // who comes first forms a cluster when none of the others answers
    }
    seeds.addAll(others);
    if (!seeds.isEmpty()) {
      cluster.manager().tell(new JoinSeedNodes(seeds));
    }
    system
        .scheduler()
        .scheduleOnce(
            AGAIN, () -> blocking.execute(() -> join(self, others)), system.executionContext());
  }

  private boolean mayForm() {
    try {
      Optional<String> leader = store.otherLeader(holder, FRESH);
      leader.ifPresent(name -> LOG.info("{} leads; joining it", name));
      return leader.isEmpty() && store.acquire(FORM, holder, FORMING);
    } catch (StoreUnavailableException e) {
      LOG.warn("no cluster is formed: {}", e.getMessage());
      return false;
    }
  }

  /** The last leader may have been killed a moment ago, and may have been this very process. */
  private void awaitNoLeader() throws InterruptedException {
    long start = System.nanoTime();
    Optional<String> leader = store.otherLeader(holder, FRESH);
    while (leader.isPresent()) {
      boolean watched = System.nanoTime() - start > WATCH.toNanos();
      if (watched && store.otherLeader(holder, WATCH).isPresent()) {
        throw new IllegalStateException(
            "the database %s belongs to the coordinator %s, which is running: stop that one, or name"
                    .formatted(store.place(), leader.get())
                + " all coordinators to each (--peers or --bootstrap)");
      }
      LOG.info("waiting whether the coordinator {} is still there", leader.get());
      Thread.sleep(500);
      leader = store.otherLeader(holder, FRESH);
    }
  }
}
