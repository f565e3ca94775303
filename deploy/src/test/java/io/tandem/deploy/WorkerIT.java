package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Remoting;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker as a process of its own, without a coordinator that wants it. */
class WorkerIT {
  @TempDir Path directory;

  @Test
  void shouldNotBeReadyAndExitWithZeroWhenToldToLeave() throws Exception {
    try (TandemProcess worker =
        TandemProcess.start(directory, "worker", "--coordinator", "127.0.0.1:1")) {
      String metrics = worker.await("metrics (http\\S+)/metrics").group(1);
      HttpResponse<String> ready =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(URI.create(metrics + "/ready"))
                      .timeout(Duration.ofSeconds(10))
                      .build(),
                  BodyHandlers.ofString());
      assertThat(ready.statusCode()).as("nobody has registered it").isEqualTo(503);
      assertThat(ready.body()).contains("no coordinator has registered this worker");
      worker.terminate();
      assertThat(worker.exitCode()).as(worker.said()).isZero();
    }
  }

  /** As the chart tells it what was requested for its container. */
  @Test
  void shouldComputeWithAsManyThreadsAsItIsToldThatThereAreProcessors() throws Exception {
    Map<String, String> environment = Map.of("JDK_JAVA_OPTIONS", "-XX:ActiveProcessorCount=6");
    try (TandemProcess worker =
        TandemProcess.start(
            directory, environment, "worker", "--coordinator", "127.0.0.1:1", "--slots", "2")) {
      worker.await("worker \\S+ with 2 slots of 3 threads");
    }
  }

  /** What a coordinator of a later release says: {@code CoordinatorServerTest}. */
  @Test
  void shouldSayWhyItIsRefusedAndEnd() throws Exception {
    Map<String, Object> settings = new HashMap<>(Remoting.settings("127.0.0.1", 0, null));
    settings.put("akka.actor.provider", "remote");
    settings.put("akka.remote.warn-about-direct-use", "off");
    ActorSystem<Void> coordinator =
        ActorSystem.create(
            Behaviors.setup(
                context -> {
                  context.spawn(refusing("worker w is of release 0.0.9"), "gateway");
                  return Behaviors.<Void>empty();
                }),
            "tandem",
            ConfigFactory.parseMap(settings).withFallback(ConfigFactory.load()));
    String address = "127.0.0.1:" + coordinator.address().getPort().orElseThrow();
    try (TandemProcess worker =
        TandemProcess.start(directory, "worker", "--coordinator", address)) {
      assertThat(worker.exitCode()).as(worker.said()).isEqualTo(ExitCode.FAILED);
      assertThat(worker.said())
          .contains("the coordinator refuses this worker: worker w is of release 0.0.9");
    } finally {
      coordinator.terminate();
      coordinator.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  private static Behavior<Object> refusing(String reason) {
    return Behaviors.receive(
        (context, message) -> {
          if (message instanceof Register register) {
            ActorRefResolver.get(context.getSystem())
                .<Object>resolveActorRef(register.getReplyTo())
                .tell(Refused.newBuilder().setReason(reason).build());
          }
          return Behaviors.same();
        });
  }
}
