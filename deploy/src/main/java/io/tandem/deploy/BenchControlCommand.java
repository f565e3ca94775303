package io.tandem.deploy;

import io.tandem.worker.node.SimulatedWorkers;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem bench control}: a coordinator under load. */
@Command(
    name = "control",
    description = {
      "Starts a coordinator with a store of its own, and puts it under load: many jobs, simulated"
          + " workers of one slot that report as real ones do, readers of server-sent events.",
      "Exit code 1 when a request, a job or an event is lost."
    })
final class BenchControlCommand implements Callable<Integer> {
  @Mixin Output output;

  @Option(
      names = "--jobs",
      defaultValue = "${env:TANDEM_BENCH_JOBS:-10000}",
      description = "Queued before the first worker comes (TANDEM_BENCH_JOBS; ${DEFAULT-VALUE}).")
  int jobs;

  @Option(
      names = "--workers",
      defaultValue = "${env:TANDEM_BENCH_WORKERS:-1000}",
      description = "Simulated, of one slot each (TANDEM_BENCH_WORKERS; ${DEFAULT-VALUE}).")
  int workers;

  @Option(
      names = "--readers",
      defaultValue = "${env:TANDEM_BENCH_READERS:-200}",
      description =
          "Each follows jobs' events all the time (TANDEM_BENCH_READERS; ${DEFAULT-VALUE}).")
  int readers;

  @Option(
      names = "--pages",
      defaultValue = "${env:TANDEM_BENCH_PAGES:-10}",
      description =
          "Readers of /v1/changes, as open web pages are (TANDEM_BENCH_PAGES; ${DEFAULT-VALUE}).")
  int pages;

  @Option(
      names = "--clients",
      defaultValue = "${env:TANDEM_BENCH_CLIENTS:-16}",
      description = "That call at the same time (TANDEM_BENCH_CLIENTS; ${DEFAULT-VALUE}).")
  int clients;

  @Option(
      names = "--calls",
      defaultValue = "${env:TANDEM_BENCH_CALLS:-2000}",
      description = "Gets, and as many lists of 100 (TANDEM_BENCH_CALLS; ${DEFAULT-VALUE}).")
  int calls;

  @Option(
      names = "--probes",
      defaultValue = "${env:TANDEM_BENCH_PROBES:-200}",
      description =
          "Jobs submitted to free slots in the end (TANDEM_BENCH_PROBES; ${DEFAULT-VALUE}).")
  int probes;

  @Option(
      names = "--job-seconds",
      defaultValue = "${env:TANDEM_BENCH_JOB_SECONDS:-10}",
      description = "How long a job trains (TANDEM_BENCH_JOB_SECONDS; ${DEFAULT-VALUE}).")
  double jobSeconds;

  @Option(
      names = "--progress-seconds",
      defaultValue = "${env:TANDEM_BENCH_PROGRESS_SECONDS:-1}",
      description = "Between a job's reports (TANDEM_BENCH_PROGRESS_SECONDS; ${DEFAULT-VALUE}).")
  double progressSeconds;

  @Option(
      names = "--actor-systems",
      defaultValue = "${env:TANDEM_BENCH_ACTOR_SYSTEMS:-4}",
      description = "That the workers share (TANDEM_BENCH_ACTOR_SYSTEMS; ${DEFAULT-VALUE}).")
  int actorSystems;

  @Option(
      names = "--minutes",
      defaultValue = "${env:TANDEM_BENCH_MINUTES:-20}",
      description = "At most for any one phase (TANDEM_BENCH_MINUTES; ${DEFAULT-VALUE}).")
  int minutes;

  @Option(
      names = "--database",
      paramLabel = "URL",
      defaultValue = "${env:TANDEM_BENCH_DATABASE:-}",
      description = {
        "An empty PostgreSQL database in place of the embedded store (TANDEM_BENCH_DATABASE); user"
            + " and password as `tandem coordinator` takes them from the environment.",
        "What the load leaves there stays."
      })
  String database;

  @Option(
      names = "--directory",
      defaultValue = "${env:TANDEM_BENCH_DIRECTORY:-}",
      description =
          "An empty or new one for the store; a temporary one by default"
              + " (TANDEM_BENCH_DIRECTORY).")
  String directory;

  @Override
  public Integer call() throws InterruptedException, IOException {
    check();
    try (WorkDirectory work = WorkDirectory.open("--directory", directory, "tandem-load");
        CoordinatorChild coordinator = CoordinatorChild.start(work.path(), database.strip());
        ControlBench bench =
            new ControlBench(
                coordinator,
                new ControlBench.Size(jobs, workers, readers, pages, clients, calls, probes),
                new SimulatedWorkers.Behaviour(
                    workers, actorSystems, duration(jobSeconds), duration(progressSeconds)),
                Duration.ofMinutes(minutes),
                output)) {
      return bench.run() ? ExitCode.SUCCEEDED : ExitCode.FAILED;
    }
  }

  private static Duration duration(double seconds) {
    return Duration.ofNanos((long) (seconds * 1e9));
  }

  private void check() {
    if (!database.isBlank()) {
      DatabaseOptions.database(database, "tandem", "");
    }
    if (jobs < 1 || workers < 1 || readers < 0 || pages < 0 || clients < 1 || calls < 1) {
      throw new CommandException(
          ExitCode.USAGE,
          String.format(
              "--jobs %d, --workers %d, --clients %d, --calls %d: at least 1 each;"
                  + " --readers %d, --pages %d: at least 0",
              jobs, workers, clients, calls, readers, pages));
    }
    if (!(jobSeconds >= 0.001 && progressSeconds >= 0.001)
        || actorSystems < 1
        || minutes < 1
        || probes < 0) {
      throw new CommandException(
          ExitCode.USAGE,
          "--job-seconds, --progress-seconds: at least 0.001; --actor-systems, --minutes: at least"
              + " 1; --probes: at least 0");
    }
  }
}
