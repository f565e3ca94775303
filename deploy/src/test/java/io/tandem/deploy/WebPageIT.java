package io.tandem.deploy;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The web page in Chromium, on a real cluster. With {@code -Dtandem.screenshots=DIR} it leaves
 * pictures there.
 */
class WebPageIT {
  private static final int ENDLESS = 10_000_000;
  @TempDir static Path directory;
  private static Browser browser;
  private static Path pictures;
  private static TestCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    browser = Browser.start();
    pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 8, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    cluster = new TestCluster(directory);
    cluster.startCoordinator();
    List<TandemProcess> workers = List.of(cluster.worker(2), cluster.worker(2));
    workers.forEach(TestCluster::registered);
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
    if (browser != null) {
      browser.close();
    }
  }

  @AfterEach
  void closeTabs() {
    browser.closeTabs();
  }

  private static String job(String name, int replicas, int shards, int steps) {
    return TestCluster.job(pictures, replicas, shards, steps)
            .replace("name: small", "name: " + name)
        + "evaluation: {every: 20}\n";
  }

  private static Page open(String view) {
    return browser.open(cluster.server() + "/" + view, 1280, 800);
  }

  private static Locator section(Page page, String name) {
    return page.getByRole(
        AriaRole.REGION, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  @Test
  void shouldSubmitAJobAndFollowItToItsEnd() {
    Page page = open("#/submit");
    page.getByLabel("Job file, YAML or JSON").fill(job("followed", 2, 2, 120));
    Browser.contains(page.locator("#verdict"), "accepts this job file");
    Browser.button(page, "Submit").click();
    Locator title = page.locator("h1");
    Browser.contains(title, "followed");
    Browser.contains(title, "running");
    Browser.contains(page.locator("[data-state=live]"), "live");
    Locator loss = section(page, "Loss");
    assertThat(loss.locator("canvas")).isVisible();
    Locator mesh = section(page, "Mesh");
    assertThat(mesh.locator(".rank")).hasCount(4);
    assertThat(mesh.locator(".rank").getByText("waits")).hasCount(4);
    assertThat(mesh.locator(".rank progress")).hasCount(4);
    Browser.contains(mesh, "Busiest: rank");
    Browser.picture(page, "job-running");
    Browser.contains(section(page, "Where a step's time goes"), "forward");
    Browser.contains(title, "succeeded");
    Browser.contains(page.locator(".standing"), "120 of 120 steps");
    assertThat(page.locator(".tiles div").filter(new Locator.FilterOptions().setHasText("Goodput")))
        .containsText(Pattern.compile("Goodput\\d\\d?\\.\\d %"));
    Browser.contains(section(page, "Test accuracy"), "%");
    Browser.contains(section(page, "Events"), "step 120: ");
    Browser.contains(section(page, "Checkpoints"), "step 120");
    Locator images = section(page, "Test images");
    assertThat(images.locator("figure")).not().hasCount(0);
    Browser.contains(images.locator("figure").first(), "teacher");
    Browser.contains(images.locator("figure").first(), "student");
    assertThat((Integer) images.locator("img").first().evaluate("image => image.naturalWidth"))
        .isEqualTo(32);
    Object points = page.evaluate("document.querySelectorAll('canvas').length");
    assertThat((Integer) points).isGreaterThanOrEqualTo(4);
    page.getByText("Job file", new Page.GetByTextOptions().setExact(true)).click();
    Browser.contains(page.locator("pre.file"), "family: wide-resnet");
    Browser.picture(page, "job");
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
    Browser.picture(page, "job-dark");
  }

  @Test
  void shouldShowMistakesAtTheirLines() {
    Page page = open("#/submit");
    Locator editor = page.getByLabel("Job file, YAML or JSON");
    editor.fill("name: x\nmesh:\n  replicas: -1\nnonsense: 1\nmodel: {family: mlp}\n");
    Locator third = page.locator(".lines li").nth(2);
    Browser.contains(third, "given -1; allowed: a whole number from 1 to 1024");
    Browser.contains(page.locator(".lines li").nth(3), "an unknown key");
    assertThat(page.locator(".lines li.bad")).hasCount(2);
    Browser.contains(page.locator(".mistakes"), "training.steps");
    Browser.picture(page, "submit");
    page.locator(".mistakes").getByText("line 3").click();
    assertThat(editor).isFocused();
    assertThat(editor.evaluate("a => a.value.slice(a.selectionStart, a.selectionEnd)"))
        .isEqualTo("  replicas: -1");

    editor.fill("name: x\nmesh: {replicas: 1\nmodel: y\n");
    assertThat(page.locator(".lines li.bad")).hasCount(1);
    assertThat(page.locator(".lines li").nth(2)).not().containsText("unknown key");
    Browser.button(page, "Submit").click();
    Browser.contains(page.locator("#verdict"), "1 mistake");
    assertThat(cluster.client().jobs(null, 100, null).toString()).doesNotContain("\"name\":\"x\"");
  }

  @Test
  void shouldListSortFilterPauseResumeAndCancel() {
    String id = cluster.submit(job("pair-endless", 1, 2, ENDLESS));
    String waiting = cluster.submit(job("pair-larger", 4, 2, 10).replace("Batch: 4", "Batch: 8"));
    Page page = open("");
    Locator row = page.locator("tr[data-job=" + id + "]");
    Browser.contains(row, "running");
    Browser.contains(row, "of 10,000,000");
    Browser.contains(page.locator("tr[data-job=" + waiting + "]"), "8 ranks");
    Browser.picture(page, "jobs");
    Locator rows = page.locator("tbody tr");
    page.getByLabel("Filter jobs").fill("2 pair endl");
    assertThat(rows).hasCount(1);
    page.getByLabel("Filter jobs").fill("pair-");
    assertThat(rows).hasCount(2);
    Browser.button(page, "Job").click();
    assertThat(rows.first()).containsText("pair-endless");
    Browser.button(page, "Job").click();
    assertThat(page.locator("th[aria-sort=descending]")).hasText("Job↓");
    assertThat(rows.first()).containsText("pair-larger");

    row.locator("a").first().click();
    Browser.contains(page.locator("h1"), "running");
    Browser.button(page, "Pause").click();
    Browser.contains(page.locator("h1"), "paused");
    Browser.button(page, "Resume").click();
    Locator dialog = page.locator("dialog");
    dialog.getByLabel("Shards").fill("1");
    dialog.getByText("Resume", new Locator.GetByTextOptions().setExact(true)).last().click();
    Browser.contains(page.locator("h1"), "running");
    assertThat(section(page, "Mesh").locator(".rank")).hasCount(1);
    Browser.button(page, "Cancel").click();
    Browser.button(page, "Back").click();
    Browser.contains(page.locator("h1"), "running");
    Browser.button(page, "Cancel").click();
    Browser.button(page, "Cancel the job").click();
    Browser.contains(page.locator("h1"), "cancelled");
    Browser.contains(section(page, "Events"), "cancelling");
    cluster.client().act(waiting, "cancel");
    page.navigate(cluster.server() + "/#/workers");
    assertThat(page.locator("tbody tr")).hasCount(2);
    assertThat(page.locator("td[data-label=Pool]").first()).hasText("default");
    Browser.contains(page.locator(".summary"), "of 4 slots in use");
    Browser.picture(page, "workers");
  }

  @Test
  void shouldGoOnAfterTheCoordinatorWasAway() throws Exception {
    String id = cluster.submit(job("survivor", 1, 2, ENDLESS));
    Page list = open("");
    Page page = open("#/jobs/" + id);
    Browser.contains(page.locator("h1"), "running");
    Browser.contains(section(page, "Checkpoints"), "step 5");
    int events = page.locator(".events tr").count();
    cluster.coordinator().kill();
    Browser.contains(page.locator(".connection"), "reconnecting");
    Browser.contains(list.locator(".connection"), "reconnecting");
    assertThat(page.locator("h1")).containsText("survivor");
    cluster.startCoordinator();
    Browser.contains(page.locator(".connection"), "live");
    Browser.contains(list.locator(".connection"), "live");
    int before = cluster.client().job(id).path("step").asInt();
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .pollInSameThread()
        .until(
            () ->
                Integer.parseInt(page.locator(".standing b").first().textContent().replace(",", ""))
                    > before);
    assertThat(page.locator(".events tr").count()).isGreaterThanOrEqualTo(events);
    assertThat(list.locator("tr[data-job=" + id + "]")).containsText("running");
    cluster.client().act(id, "cancel");
    Browser.contains(page.locator("h1"), "cancelled");
    Browser.contains(list.locator("tr[data-job=" + id + "]"), "cancelled");
  }

  @Test
  void shouldFitAPhoneInLightAndDark() {
    String id = cluster.submit(job("a-job-with-a-rather-long-name-of-forty-letters", 1, 2, 20));
    cluster.awaitState(id, "SUCCEEDED");
    for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
      for (String view : List.of("", "#/jobs/" + id, "#/workers", "#/submit")) {
        Page page = browser.open(cluster.server() + "/" + view, 390, 844);
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(scheme));
        assertThat(page.locator("h1")).isVisible();
        assertThat(page.locator("main").getByText("Loading").locator("visible=true")).hasCount(0);
        if (view.startsWith("#/jobs/")) {
          assertThat(section(page, "Test images").locator("figure")).not().hasCount(0);
        }
        assertThat(page.locator(".connection")).not().hasAttribute("data-state", "connecting");
        assertThat((Integer) page.evaluate("document.documentElement.scrollWidth"))
            .as("%s in %s", view, scheme)
            .isLessThanOrEqualTo(390);
        assertThat(contrast(page)).as("%s in %s", view, scheme).isGreaterThan(4.5);
        if (!view.isEmpty() || scheme == ColorScheme.LIGHT) {
          Browser.picture(page, "phone-" + view.replaceAll("\\W+|job-.*", "") + "-" + scheme);
        }
      }
    }
  }

  /** Of the page's text on its ground, by WCAG 2.2. */
  private static double contrast(Page page) {
    Object ratio =
        page.evaluate(
            """
            () => {
              const light = (colour) => {
                const [r, g, b] = colour.match(/\\d+/g).map((x) => x / 255)
                    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const body = getComputedStyle(document.body);
              const muted = getComputedStyle(document.querySelector('.connection'));
              const [a, b, c] = [body.color, body.backgroundColor, muted.color].map(light);
              const ratio = (x, y) => (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
              return Math.min(ratio(a, b), ratio(c, b));
            }
            """);
    return ((Number) ratio).doubleValue();
  }

  @Test
  void shouldChangeItsThemeAndRememberIt() {
    Page page = open("");
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.LIGHT));
    assertThat(page.locator("h1")).isVisible();
    String light = ground(page);
    Browser.button(page, "Theme: auto").click();
    Browser.button(page, "Theme: light").click();
    assertThat(Browser.button(page, "Theme: dark")).isVisible();
    assertThat(ground(page)).isNotEqualTo(light);
    page.reload();
    assertThat(Browser.button(page, "Theme: dark")).isVisible();
    assertThat(ground(page)).isNotEqualTo(light);
  }

  private static String ground(Page page) {
    return (String) page.evaluate("getComputedStyle(document.body).backgroundColor");
  }

  @Test
  void shouldServeAUserWithoutAMouse() {
    Page page = open("");
    assertThat(page.locator("h1")).isVisible();
    focus(page, "Submit", "link");
    page.keyboard().press("Enter");
    Browser.contains(page.locator("#verdict"), "accepts");
    focus(page, "Job file, YAML or JSON", "textarea");
    page.keyboard().press("Control+A");
    page.keyboard().insertText(job("by-keyboard", 1, 2, ENDLESS));
    Browser.contains(page.locator("#verdict"), "accepts");
    page.keyboard().press("Control+Enter");
    Browser.contains(page.locator("h1"), "by-keyboard");
    Browser.contains(page.locator("h1"), "running");
    focus(page, "Jobs", "link");
    page.keyboard().press("Enter");
    assertThat(page.locator("tbody tr")).not().hasCount(0);
    page.keyboard().press("/");
    assertThat(page.getByLabel("Filter jobs")).isFocused();
    page.keyboard().type("by-key");
    assertThat(page.locator("tbody tr")).hasCount(1);
    focus(page, "by-keyboard", "link");
    page.keyboard().press("Enter");
    Browser.contains(page.locator("h1"), "running");
    focus(page, "Cancel", "button");
    page.keyboard().press("Enter");
    assertThat(page.locator("dialog")).isVisible();
    page.keyboard().press("Escape");
    assertThat(page.locator("dialog")).hasCount(0);
    focus(page, "Cancel", "button");
    page.keyboard().press("Enter");
    focus(page, "Cancel the job", "button");
    page.keyboard().press("Enter");
    Browser.contains(page.locator("h1"), "cancelled");
  }

  /** Tabs on until the focus is there. */
  private static void focus(Page page, String name, String kind) {
    for (int i = 0; i < 80; i++) {
      String focused =
          (String)
              page.evaluate(
                  """
                  (() => {
                    const e = document.activeElement;
                    const kind = {A: 'link', BUTTON: 'button', TEXTAREA: 'textarea'}[e.tagName];
                    return `${kind} ${e.ariaLabel ?? e.textContent.trim()}`;
                  })()
                  """);
      if (focused.equals(kind + " " + name)) {
        return;
      }
      page.keyboard().press("Tab");
    }
    throw new AssertionError("the focus never came to the " + kind + " " + name);
  }

  /** As the server ends every stream after a while, which is to worry nobody. */
  @Test
  void shouldTakeAStreamUpWhereTheServerEndedIt() {
    String id = cluster.submit(job("streamed", 1, 2, ENDLESS));
    Page page = open("#/submit");
    Browser.contains(page.locator("#verdict"), "accepts");
    page.evaluate(
        """
        window.seen = [];
        new MutationObserver(() => seen.push(document.querySelector('.connection').dataset.state))
          .observe(document.body, {subtree: true, childList: true, attributes: true});
        """);
    List<String> resumed = new CopyOnWriteArrayList<>();
    AtomicBoolean ended = new AtomicBoolean();
    page.route(
        Pattern.compile(".*/events\\?.*"),
        route -> {
          Map<String, String> headers = route.request().headers();
          if (headers.get("accept").contains("text/event-stream") && ended.getAndSet(true)) {
            resumed.add(headers.getOrDefault("last-event-id", "none"));
          } else if (headers.get("accept").contains("text/event-stream")) {
            route.fulfill(
                new Route.FulfillOptions()
                    .setContentType("text/event-stream")
                    .setBody(
                        """
                        id: 1
                        event: notice
                        data: {"id":1,"type":"notice","time":"2026-01-01T00:00:00Z","data":{"text":"a"}}

                        """));
            return;
          }
          route.resume();
        });
    page.navigate(cluster.server() + "/#/jobs/" + id);
    page.waitForCondition(() -> !resumed.isEmpty());
    assertThat(resumed.get(0)).isEqualTo("1");
    Browser.contains(section(page, "Checkpoints"), "step 5");
    Browser.contains(page.locator(".connection"), "live");
    assertThat(page.evaluate("seen.includes('reconnecting')")).isEqualTo(false);
    cluster.client().act(id, "cancel");
    Browser.contains(page.locator("h1"), "cancelled");
  }
}
