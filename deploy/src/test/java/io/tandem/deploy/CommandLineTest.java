package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.jobs.JobTiming;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CommandLineTest {
  private static final String JOB =
      """
      name: ${NAME}
      mesh: {replicas: 1, shards: 2}
      data:
        {format: idx, path: /data, imageHeight: 28, imageWidth: 28, channels: 1, classes: 10}
      model: {family: wide-resnet}
      training: {steps: 10, labeledBatch: 8}
      """;
  private static final String RUNNING =
      """
      {"id":"j1","state":"RUNNING","step":5,"totalSteps":10,"stepsPerSecond":2.0,
      "imagesPerSecond":64,"etaSeconds":2.5,"attempt":1,"values":{"studentLoss":1.25}}\
      """;

  @TempDir Path directory;
  private StubServer server;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void start() throws Exception {
    server = new StubServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private int run(String... arguments) {
    CommandLine line = Main.commandLine((plan, listener) -> null);
    return line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
  }

  private int ask(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--server", server.url()));
    return run(all.toArray(String[]::new));
  }

  private String jobFile(String text) throws Exception {
    return Files.writeString(directory.resolve("job.yaml"), text).toString();
  }

  @Test
  void shouldSayWhatIsWrongWithTheWayCoordinatorsFindEachOther() throws Exception {
    String database = "jdbc:postgresql://127.0.0.1:1/tandem";
    Map<List<String>, String> wrong =
        Map.of(
            List.of("--database", database, "--store", "s"), "--store and --database",
            List.of("--database", "mysql://db"), "give a URL such as jdbc:postgresql://",
            List.of("--database", database + "?password=s3cret"), "holds a password",
            List.of("--peers", "a:1,b:2"), "need --database",
            List.of("--database", database, "--peers", "a:1,b"), "--peers b: give HOST:PORT",
            List.of("--database", database, "--bootstrap", "consul"), "allowed is kubernetes",
            List.of("--database", database, "--bootstrap", "kubernetes", "--peers", "a:1"),
                "--peers and --bootstrap: give one",
            List.of("--database", database, "--bootstrap", "kubernetes", "--contact-points", "0"),
                "--contact-points 0");
    for (var each : wrong.entrySet()) {
      List<String> arguments = new ArrayList<>(List.of("coordinator"));
      arguments.addAll(each.getKey());
      err.getBuffer().setLength(0);
      assertThat(run(arguments.toArray(String[]::new))).isEqualTo(ExitCode.USAGE);
      assertThat(err.toString()).contains(each.getValue()).doesNotContain("s3cret");
    }
    assertThat(run("worker", "--coordinator", "a:1,b")).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).contains("--coordinator b: give HOST:PORT");
  }

  @Test
  void shouldReadTheDatabasesPasswordFromTheEnvironmentOrAFile() throws Exception {
    String file = Files.writeString(directory.resolve("password"), "s3cret\n").toString();
    String direct = DatabaseOptions.PASSWORD;
    String named = DatabaseOptions.PASSWORD_FILE;
    assertThat(DatabaseOptions.password(Map.of())).isEmpty();
    assertThat(DatabaseOptions.password(Map.of(direct, "s3cret"))).isEqualTo("s3cret");
    assertThat(DatabaseOptions.password(Map.of(named, file))).isEqualTo("s3cret");
    assertThatThrownBy(() -> DatabaseOptions.password(Map.of(named, file, direct, "s3cret")))
        .hasMessageContaining("set one");
    assertThatThrownBy(() -> DatabaseOptions.password(Map.of(named, file + ".none")))
        .hasMessageContaining(file + ".none");
  }

  @Test
  void shouldSubmitWithParametersAndWaitForTheEnd() throws Exception {
    server
        .answer("POST /v1/jobs", 201, "{\"id\":\"j1\",\"state\":\"QUEUED\"}")
        .answer("GET /v1/jobs/j1", 200, RUNNING)
        .answer("GET /v1/jobs/j1", 200, "{\"id\":\"j1\",\"state\":\"SUCCEEDED\"}");
    int code =
        ask("submit", jobFile(JOB), "--wait", "--json", "--set", "NAME=small", "--token", "t");
    assertThat(code).isZero();
    assertThat(server.calls.get(0).body()).contains("\"name\":\"small\"");
    assertThat(server.calls.get(0).authorization()).isEqualTo("Bearer t");
    assertThat(new ObjectMapper().readTree(out.toString()).path("state").asText())
        .isEqualTo("SUCCEEDED");
    assertThat(out.toString().strip().lines()).hasSize(1);
    assertThat(err.toString()).contains("5/10").contains("studentLoss 1.250").contains("ETA 0:03");
  }

  @Test
  void shouldSubmitOneJobHoweverOftenItHasToAsk() throws Exception {
    server
        .answer("POST /v1/jobs", StubServer.LOST, "")
        .answer("POST /v1/jobs", 503, "{\"detail\":\"no coordinator leads\"}")
        .answer("POST /v1/jobs", 200, "{\"id\":\"j1\",\"state\":\"QUEUED\"}");
    long begun = System.nanoTime();
    assertThat(ask("submit", jobFile(JOB), "--set", "NAME=x")).isZero();
    assertThat(out.toString().strip()).isEqualTo("j1");
    assertThat(err.toString()).containsOnlyOnce("not submitted yet, and tried again");
    assertThat(server.calls).extracting(StubServer.Call::key).hasSize(3).doesNotContainNull();
    assertThat(server.calls)
        .extracting(StubServer.Call::key)
        .containsOnly(server.calls.get(0).key());
    assertThat(Duration.ofNanos(System.nanoTime() - begun))
        .as("Retry-After is heeded")
        .isGreaterThan(Duration.ofSeconds(1));
    assertThat(ask("submit", jobFile(JOB), "--set", "NAME=x")).isZero();
    assertThat(server.calls.get(3).key()).isNotEqualTo(server.calls.get(0).key());
    assertThat(ask("submit", jobFile(JOB), "--set", "NAME=x", "--idempotency-key", "k")).isZero();
    assertThat(server.calls.get(4).key()).isEqualTo("k");
  }

  @Test
  void shouldNotAskAgainWhereNobodyIs() throws Exception {
    server.close();
    long begun = System.nanoTime();
    assertThat(ask("submit", jobFile(JOB), "--set", "NAME=x")).isNotZero();
    assertThat(err.toString()).contains("cannot reach").doesNotContain("tried again");
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(30));
  }

  @Test
  void shouldSayByItsExitCodeHowAJobEnded() {
    server
        .answer(
            "GET /v1/jobs/f",
            200,
            "{\"id\":\"f\",\"state\":\"FAILED\",\"reason\":\"DIVERGED\",\"reasonText\":\"loss"
                + " NaN\"}")
        .answer("GET /v1/jobs/c", 200, "{\"id\":\"c\",\"state\":\"CANCELLED\"}");
    assertThat(ask("watch", "f")).isEqualTo(1);
    assertThat(out.toString()).contains("f FAILED (DIVERGED): loss NaN");
    assertThat(ask("watch", "c")).isEqualTo(3);
  }

  @Test
  void shouldTellEveryMistakeOfAJobFile() throws Exception {
    String bad = JOB.replace("steps: 10", "steps: -1").replace("wide-resnet", "wide");
    assertThat(ask("submit", jobFile(bad), "--set", "NAME=x")).isEqualTo(2);
    assertThat(err.toString()).contains("training.steps").contains("model.family");
    assertThat(server.calls).isEmpty();
  }

  @Test
  void shouldPassOnWhatTheCoordinatorRefuses() throws Exception {
    server.answer(
        "POST /v1/jobs",
        400,
        """
        {"title":"Bad job","detail":"mesh.shards: given 99; allowed: 1 to 16",
        "errors":[{"path":"mesh.shards","given":"99","allowed":"1 to 16"}]}\
        """);
    assertThat(ask("submit", jobFile(JOB), "--set", "NAME=x")).isEqualTo(2);
    assertThat(err.toString())
        .as("told once")
        .isEqualToIgnoringNewLines("tandem: Bad job\n  mesh.shards: given 99; allowed: 1 to 16\n");
  }

  @Test
  void shouldFollowEventsAcrossARestartOfTheCoordinator() {
    server
        .answer("GET /v1/jobs/j1", 200, RUNNING)
        .answer("GET /v1/jobs/j1/events", 200, "{\"events\":[{\"id\":7,\"type\":\"started\"}]}")
        .answer("GET /v1/jobs/j1", 503, "{\"title\":\"starting\"}")
        .answer("GET /v1/jobs/j1", 200, "{\"id\":\"j1\",\"state\":\"SUCCEEDED\"}")
        .answer("GET /v1/jobs/j1/events", 200, "{\"events\":[{\"id\":9,\"type\":\"state\"}]}");
    assertThat(ask("events", "j1", "--follow")).isZero();
    assertThat(out.toString().strip().lines()).hasSize(2);
    assertThat(out.toString()).containsSubsequence("started", "state");
    assertThat(server.calls.get(server.calls.size() - 1).query()).contains("after=7");
  }

  @Test
  void shouldSayThatNobodyAnswers() {
    server.close();
    assertThat(ask("jobs")).isEqualTo(4);
    assertThat(err.toString())
        .contains("cannot reach the coordinator at " + server.url())
        .doesNotContain("\tat ");
  }

  @Test
  void shouldListJobsAndWorkers() {
    server
        .answer("GET /v1/jobs", 200, "{\"jobs\":[" + RUNNING + "]}")
        .answer(
            "GET /v1/workers", 200, "{\"workers\":[{\"id\":\"w1\",\"pool\":\"gpu\",\"slots\":4}]}");
    assertThat(ask("jobs")).isZero();
    assertThat(ask("workers")).isZero();
    assertThat(out.toString()).contains("j1").contains("5/10").contains("w1").contains("gpu");
  }

  @Test
  void shouldRefuseWhatIsNoNameOfAPool() {
    for (String name : List.of("", "GPU", "a b", "a-", "a".repeat(64))) {
      err.getBuffer().setLength(0);
      assertThat(run("worker", "--pool", name)).as(name).isEqualTo(ExitCode.USAGE);
      assertThat(err.toString()).contains("--pool " + name + ": give a name");
    }
  }

  @Test
  void shouldCancelAndExport() throws Exception {
    server
        .answer("POST /v1/jobs/j1/cancel", 200, "{\"id\":\"j1\",\"state\":\"CANCELLING\"}")
        .answer("GET /v1/jobs/j1/model", 200, "weights");
    Path model = directory.resolve("student.safetensors");
    assertThat(ask("cancel", "j1")).isZero();
    assertThat(ask("export", "j1", "--out", model.toString())).isZero();
    assertThat(model).hasContent("weights");
    assertThat(out.toString()).contains("j1 CANCELLING");
    assertThat(ask("export", "none", "--out", model.toString())).isEqualTo(2);
    assertThat(model).hasContent("weights");
    assertThat(err.toString()).contains("no such thing");
  }

  @Test
  void shouldDrawPicturesOnce() throws Exception {
    String pictures = directory.resolve("pictures").toString();
    String[] small = {"--classes=2", "--labeled=2", "--unlabeled=3", "--test=1", "--side=32"};
    assertThat(draw(pictures, small)).isZero();
    assertThat(out.toString()).contains("9 pictures in " + pictures);
    try (Stream<Path> files = Files.walk(Path.of(pictures))) {
      assertThat(files.filter(file -> file.toString().endsWith(".jpg"))).hasSize(9);
    }
    assertThat(draw(pictures, small)).isEqualTo(1);
    assertThat(draw(pictures + "2", "--classes=1")).isEqualTo(2);
    assertThat(err.toString()).contains("empty").contains("classes is 1, allowed are 2");
  }

  private int draw(String directory, String... options) {
    List<String> all = new ArrayList<>(List.of("pictures", directory));
    all.addAll(List.of(options));
    return run(all.toArray(String[]::new));
  }

  @Test
  void shouldWaitForAnAttemptThatSavesForAsLongAsItIsTold() {
    CoordinatorCommand command = new CoordinatorCommand();
    new CommandLine(command).parseArgs("--stop-seconds", "7");
    assertThat(command.timing().stop()).isEqualTo(Duration.ofSeconds(7));
    new CommandLine(command).parseArgs();
    assertThat(command.timing()).isEqualTo(JobTiming.standard());
  }

  @Test
  void shouldAnswerWrongUsage() {
    assertThat(run("worker", "--slots", "0", "--coordinator", "127.0.0.1:1")).isEqualTo(2);
    assertThat(run("worker", "--coordinator", "here")).isEqualTo(2);
    assertThat(run("worker", "--drain-seconds", "0", "--coordinator", "127.0.0.1:1")).isEqualTo(2);
    assertThat(run("coordinator", "--stop-seconds", "0")).isEqualTo(2);
    assertThat(run("bench", "control", "--database", "mysql://x")).isEqualTo(2);
    assertThat(run("sumbit")).isEqualTo(2);
    assertThat(run("jobs", "--server", "ftp://here")).isEqualTo(2);
    assertThat(run("export", "j1", "--out", directory.resolve("no/where").toString())).isEqualTo(2);
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString())
        .contains("--slots 0: allowed are 1 to 1024")
        .contains("--drain-seconds 0: allowed are 1 to 86400")
        .contains("--stop-seconds 0: allowed are 1 to 86400")
        .contains("--database: database mysql://x: give a URL such as jdbc:postgresql://")
        .contains("--coordinator here: give HOST:PORT")
        .contains("--server ftp://here: give a whole address")
        .contains("give a file in a directory that exists")
        .contains("submit");
  }

  @Test
  void shouldExplainEveryCommandAndName() {
    CommandLine root = Main.commandLine((plan, listener) -> null);
    root.getSubcommands().forEach(this::assertExplained);
    assertThat(root.getSubcommands()).containsKeys("submit", "jobs", "watch", "worker", "export");
  }

  private static void assertNamed(String command, CommandLine.Model.OptionSpec option) {
    String what = command + " " + option.longestName();
    String name = option.longestName().substring(2).toUpperCase(Locale.ROOT).replace('-', '_');
    Matcher variable =
        Pattern.compile("\\$\\{env:(TANDEM_(?:[A-Z]+_)?" + name + "):-.*")
            .matcher(option.defaultValueString(false));
    assertThat(variable.matches()).as(what + ": " + option.defaultValueString(false)).isTrue();
    assertThat(String.join("", option.description())).as(what).contains(variable.group(1));
    if (option.arity().max() == 0) {
      assertThat(option.fallbackValue())
          .as(what + ": without it picocli turns off what the environment has turned on")
          .isEqualTo("true");
    }
  }

  private void assertExplained(String path, CommandLine command) {
    assertThat(run((path + " --help").split(" "))).as(path).isZero();
    command.getCommandSpec().options().stream()
        .filter(option -> !option.usageHelp() && !option.versionHelp())
        .forEach(option -> assertNamed(path, option));
    command.getSubcommands().entrySet().stream()
        .filter(sub -> !sub.getValue().getCommandSpec().usageMessage().hidden()) // not for people
        .forEach(sub -> assertExplained(path + " " + sub.getKey(), sub.getValue()));
  }
}
