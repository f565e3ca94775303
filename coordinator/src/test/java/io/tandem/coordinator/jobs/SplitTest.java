package io.tandem.coordinator.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.Address;
import akka.actor.ExtendedActorSystem;
import akka.cluster.typed.Cluster;
import akka.remote.RemoteActorRefProvider;
import akka.remote.testkit.Blackhole$;
import akka.remote.testkit.Direction;
import akka.remote.testkit.SetThrottle;
import akka.remote.testkit.ThrottleMode;
import akka.remote.testkit.Unthrottled$;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.tandem.coordinator.Cable;
import io.tandem.coordinator.TestPostgres;
import io.tandem.coordinator.store.Database;
import io.tandem.coordinator.store.Store;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Coordinators that lose each other, or the lead. */
class SplitTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  /** So that {@link #throttle} can be used. */
  private static final Map<String, Object> LOSING =
      Map.of("akka.remote.artery.advanced.test-mode", "on");

  private final Database database = TestPostgres.fresh();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void stop() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private ControlPlane start(int port, Formation formation, Map<String, Object> more)
      throws Exception {
    return start(database, port, formation, more);
  }

  private ControlPlane start(Database at, int port, Formation formation, Map<String, Object> more)
      throws Exception {
    Store store = Store.of(at);
    open.add(store);
    store.awaitOpen(LONG);
    Config config =
        ConfigFactory.parseMap(more)
            .withFallback(ClusterConfig.of("127.0.0.1", port, formation, true, null));
    ControlPlane plane = ControlPlane.start(store, JobTiming.standard(), formation, false, config);
    open.add(plane);
    plane.join();
    return plane;
  }

  private ControlPlane start(int port, Formation formation) throws Exception {
    return start(port, formation, LOSING);
  }

  private static Formation peers(int... ports) {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (int port : ports) {
      addresses.add(InetSocketAddress.createUnresolved("127.0.0.1", port));
    }
    return new Formation.Peers(addresses);
  }

  private static void awaitLeader(ControlPlane plane, int members) {
    await()
        .atMost(LONG)
        .ignoreExceptions()
        .untilAsserted(
            () -> {
              plane.view().toCompletableFuture().get(5, TimeUnit.SECONDS);
              assertThat(Cluster.get(plane.system()).state().getMembers()).hasSize(members);
            });
  }

  /** From now on nothing goes between that one and that address, or everything does. */
  private static void throttle(ControlPlane from, Address address, ThrottleMode mode) {
    var provider =
        (RemoteActorRefProvider) ((ExtendedActorSystem) from.system().classicSystem()).provider();
    provider.transport().managementCommand(new SetThrottle(address, Direction.Both$.MODULE$, mode));
  }

  @Test
  void shouldGoOnWithOneOfTwoThatLoseEachOther() throws Exception {
    int first = freePort();
    int second = freePort();
    Formation formation = peers(first, second);
    ControlPlane a = start(first, formation);
    awaitLeader(a, 1);
    ControlPlane b = start(second, formation);
    awaitLeader(b, 2);
    Address toA = Cluster.get(a.system()).selfMember().address();
    Address toB = Cluster.get(b.system()).selfMember().address();
    throttle(a, toB, Blackhole$.MODULE$);
    throttle(b, toA, Blackhole$.MODULE$);
    CompletableFuture<String> lostA = a.steppedDown().toCompletableFuture();
    CompletableFuture<String> lostB = b.steppedDown().toCompletableFuture();
    String reason = (String) CompletableFuture.anyOf(lostA, lostB).get(60, TimeUnit.SECONDS);
    assertThat(reason).contains("went on without this one");
    ControlPlane left = lostA.isDone() ? b : a;
    awaitLeader(left, 1);
    assertThat(left.steppedDown().toCompletableFuture()).isNotDone();

    ControlPlane out = left == a ? b : a;
    out.close();
    ControlPlane again = start(out == a ? first : second, formation);
    throttle(left, out == a ? toA : toB, Unthrottled$.MODULE$);
    awaitLeader(again, 2);
    assertThat(left.steppedDown().toCompletableFuture()).isNotDone();
  }

  @Test
  void shouldStepDownWhenItIsCutOffFromTheDatabaseToo() throws Exception {
    int first = freePort();
    int second = freePort();
    Formation formation = peers(first, second);
    Cable cable = new Cable(TestPostgres.port());
    open.add(cable);
    ControlPlane a = start(TestPostgres.through(cable, database), first, formation, LOSING);
    awaitLeader(a, 1);
    ControlPlane b = start(second, formation);
    awaitLeader(b, 2);
    throttle(a, Cluster.get(b.system()).selfMember().address(), Blackhole$.MODULE$);
    throttle(b, Cluster.get(a.system()).selfMember().address(), Blackhole$.MODULE$);
    cable.cut();
    assertThat(a.steppedDown().toCompletableFuture().get(60, TimeUnit.SECONDS))
        .contains("went on without this one");
    awaitLeader(b, 1);
    assertThat(b.steppedDown().toCompletableFuture()).isNotDone();
  }

  @Test
  void shouldStepDownWhenAnotherTakesTheLead() throws Exception {
    int port = freePort();
    ControlPlane plane = start(port, peers(port));
    awaitLeader(plane, 1);
    try (Store other = Store.of(database)) {
      other.awaitOpen(LONG);
      other.lead("an intruder");
      assertThat(plane.steppedDown().toCompletableFuture().get(20, TimeUnit.SECONDS))
          .contains("127.0.0.1:" + port)
          .contains("another coordinator leads");
    }
  }

  /** As in Kubernetes, but for the list of pods, which stands in the settings. */
  @Test
  void shouldFindEachOtherByWhatADiscoveryLists() throws Exception {
    int managementA = freePort();
    int managementB = freePort();
    List<Map<String, Object>> endpoints =
        List.of(
            Map.of("host", "127.0.0.1", "port", managementA),
            Map.of("host", "127.0.0.1", "port", managementB));
    String bootstrap = "akka.management.cluster.bootstrap.";
    Map<String, Object> discovery =
        Map.of(
            bootstrap + "contact-point-discovery.discovery-method",
            "config",
            bootstrap + "contact-point.filter-on-fallback-port",
            "off",
            "akka.discovery.config.services.tandem.endpoints",
            endpoints);
    ControlPlane a = start(freePort(), kubernetes(managementA), discovery);
    ControlPlane b = start(freePort(), kubernetes(managementB), discovery);
    awaitLeader(a, 2);
    awaitLeader(b, 2);
  }

  private static Formation kubernetes(int managementPort) {
    return new Formation.Kubernetes(managementPort, "app=tandem", "", 2);
  }
}
