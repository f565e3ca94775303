package io.tandem.deploy;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Takes the pictures of the coordinator's README: Fashion-MNIST on mesh 2x2. */
class ReadmePicturesIT {
  private static final int STEPS = 1500;

  @TempDir Path directory;

  private static String job(Path data, String name, String algorithm, int shards, int steps) {
    return """
        name: %s
        mesh: {replicas: 2, shards: %d}
        data:
          format: idx
          path: %s
          imageHeight: 28
          imageWidth: 28
          channels: 1
          classes: 10
          labeledPerClass: 40
          testLimit: 400
          mean: [0.2860]
          standardDeviation: [0.3530]
        model: {family: wide-resnet, depth: 10, width: 1, stemStride: 2}
        algorithm: {name: %s}
        training: {steps: %d, labeledBatch: 32, unlabeledBatch: 32}
        evaluation: {every: 25, batch: 100}
        checkpoint: {every: 50}
        """
        .formatted(name, shards, data, algorithm, steps);
  }

  @Test
  void shouldPictureAJobOnItsWay() throws Exception {
    Path data = Path.of(System.getProperty("tandem.data", ""), "fashion-mnist");
    assumeThat(Browser.wantsPictures()).as("pictures are wanted: -Dtandem.screenshots").isTrue();
    assumeThat(Files.isDirectory(data)).as(data + " is there: -Dtandem.data").isTrue();
    try (Browser browser = Browser.start();
        TestCluster cluster = new TestCluster(directory)) {
      cluster.startCoordinator();
      List<TandemProcess> workers = List.of(cluster.worker(2), cluster.worker(2));
      workers.forEach(TestCluster::registered);
      cluster.awaitState(
          cluster.submit(job(data, "fashion-supervised", "supervised", 1, 100)), "SUCCEEDED");
      String id = cluster.submit(job(data, "fashion-mpl", "meta-pseudo-labels", 2, STEPS));
      cluster.submit(job(data, "fashion-mpl-wide", "meta-pseudo-labels", 4, STEPS));
      cluster.await(id, "much of it", job -> job.path("step").asInt() > STEPS / 3);
      for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
        picture(browser, cluster.server() + "/", scheme, "jobs", 1100);
        picture(browser, cluster.server() + "/#/jobs/" + id, scheme, "job", 1100);
      }
      picture(browser, cluster.server() + "/#/jobs/" + id, ColorScheme.LIGHT, "phone", 390);
    }
  }

  private static void picture(
      Browser browser, String address, ColorScheme scheme, String name, int width) {
    Page page = browser.open(address, width, 500);
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(scheme));
    assertThat(page.locator("[data-state=live]")).isVisible();
    if (!name.equals("jobs")) {
      assertThat(page.locator("figure")).hasCount(8);
      assertThat(page.locator(".rank progress")).hasCount(4);
    }
    Browser.picture(page, "readme-" + name + "-" + scheme.name().toLowerCase(Locale.ROOT));
    browser.closeTabs(); // each costs the training some time
  }
}
