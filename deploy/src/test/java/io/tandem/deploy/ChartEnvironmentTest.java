package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The names of settings in the chart against those that the program knows. */
class ChartEnvironmentTest {
  private static final Path CHART = Path.of("..", "helm");
  private static final Pattern NAME = Pattern.compile("TANDEM_[A-Z]+(_[A-Z]+)*");

  private static Set<String> names(String text) {
    return NAME.matcher(text)
        .results()
        .map(match -> match.group())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  static Set<String> help(String command) {
    return names(
        Main.commandLine((plan, listener) -> null).getSubcommands().get(command).getUsageMessage());
  }

  private static Set<String> template(String file) throws Exception {
    return names(Files.readString(CHART.resolve("templates").resolve(file)));
  }

  @Test
  void shouldSetOnlyNamesThatTheProgramKnows() throws Exception {
    Set<String> token = Set.of("TANDEM_TOKEN");
    assertThat(help("coordinator")).containsAll(template("coordinator.yaml")).containsAll(token);
    assertThat(help("coordinator")).containsAll(template("_tls.tpl"));
    assertThat(help("worker")).containsAll(template("worker.yaml"));
    assertThat(help("worker")).containsAll(template("_tls.tpl"));
    Set<String> test = new TreeSet<>(template("tests/training.yaml"));
    assertThat(help("submit")).containsAll(test).containsAll(token);
  }

  /** What the program has learned must not be forgotten here. */
  @Test
  void shouldHaveAValueForEverySettingThatFitsACluster() throws Exception {
    // Of these the chart chooses another way: --bootstrap, a file; no media driver of its own;
    // text.
    Set<String> otherwise =
        Set.of(
            "TANDEM_PEERS",
            "TANDEM_DATABASE_PASSWORD",
            "TANDEM_AERON_DIRECTORY",
            "TANDEM_JSON",
            "TANDEM_VERBOSE",
            "TANDEM_TOKEN");
    for (String component : Set.of("coordinator", "worker")) {
      Set<String> missing = new TreeSet<>(help(component));
      missing.removeAll(template(component + ".yaml"));
      missing.removeAll(template("_tls.tpl"));
      missing.removeAll(otherwise);
      assertThat(missing).as(component).isEmpty();
    }
  }

  /** No port may be left to chance: services and policies could not know it. */
  @Test
  void shouldSetEveryPort() throws Exception {
    for (String component : Set.of("coordinator", "worker")) {
      Set<String> ports =
          help(component).stream()
              .filter(name -> name.endsWith("_PORT"))
              .collect(Collectors.toSet());
      assertThat(template(component + ".yaml")).containsAll(ports);
    }
  }
}
