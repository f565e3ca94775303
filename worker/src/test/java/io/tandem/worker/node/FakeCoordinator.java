package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import com.google.protobuf.MessageLite;
import com.typesafe.config.ConfigFactory;
import io.tandem.protocol.control.Register;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A gateway that answers nothing by itself: a test reads what arrives and says what goes back. */
final class FakeCoordinator implements AutoCloseable {
  private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
  private final ActorSystem<Void> system;
  private volatile String replyTo;

  FakeCoordinator(int port) {
    Map<String, Object> values =
        Map.of(
            "akka.actor.provider", "remote",
            "akka.remote.artery.transport", "tcp",
            "akka.remote.artery.canonical.hostname", "127.0.0.1",
            "akka.remote.artery.canonical.port", port,
            "akka.coordinated-shutdown.run-by-jvm-shutdown-hook", "off",
            "akka.stdout-loglevel", "OFF");
    system =
        ActorSystem.create(
            Behaviors.setup(
                context -> {
                  context.spawn(gateway(), "gateway");
                  return Behaviors.<Void>empty();
                }),
            "tandem",
            ConfigFactory.parseMap(values).withFallback(ConfigFactory.load()));
  }

  static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private Behavior<Object> gateway() {
    return Behaviors.receiveMessage(
        message -> {
          if (message instanceof Register register) {
            replyTo = register.getReplyTo();
          }
          heard.add(message);
          return Behaviors.same();
        });
  }

  void tell(MessageLite message) {
    assertThat(replyTo).as("a worker has registered").isNotNull(); // Akka dies of a null
    ActorRef<Object> worker = ActorRefResolver.get(system).resolveActorRef(replyTo);
    worker.tell(message);
  }

  /**
   * The next message of that kind; others are passed over. A worker that just missed this one tries
   * all others before it comes back, each for 3 s.
   */
  <T> T expect(Class<T> kind) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    List<Object> others = new java.util.ArrayList<>();
    while (System.nanoTime() < deadline) {
      Object message = heard.poll(100, TimeUnit.MILLISECONDS);
      if (kind.isInstance(message)) {
        return kind.cast(message);
      }
      if (message != null) {
        others.add(message);
      }
    }
    throw new AssertionError("no " + kind.getSimpleName() + " came; but " + others);
  }

  @Override
  public void close() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
