package io.tandem.deploy;

import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions.ContainsTextOptions;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.AriaRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.Assumptions;

/** A real Chromium without a window; nothing is downloaded. */
final class Browser implements AutoCloseable {
  private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
  private static final String PICTURES = "tandem.screenshots";
  private static final double DEADLINE_MS = 60_000;

  /** What a test waits for takes a while where several things share two cores. */
  private static final double PATIENCE_MS = 90_000;

  private final Playwright playwright;
  private final com.microsoft.playwright.Browser browser;
  private final List<BrowserContext> contexts = new ArrayList<>();
  private final List<String> complaints = new ArrayList<>();

  private Browser(Playwright playwright) {
    this.playwright = playwright;
    this.browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(CHROMIUM)
                    .setTimeout(2 * DEADLINE_MS)
                    .setArgs(
                        List.of(
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--no-first-run",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync")));
  }

  /** Skips the tests, with a word, where there is no Chromium. */
  static Browser start() {
    Assumptions.assumeThat(Files.isExecutable(CHROMIUM))
        .as("the web page's tests need Chromium at " + CHROMIUM)
        .isTrue();
    PlaywrightAssertions.setDefaultAssertionTimeout(PATIENCE_MS);
    Map<String, String> environment = Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    return new Browser(Playwright.create(new Playwright.CreateOptions().setEnv(environment)));
  }

  /** A new tab with a session of its own. */
  Page open(String address, int width, int height) {
    BrowserContext context =
        browser.newContext(
            new com.microsoft.playwright.Browser.NewContextOptions()
                .setViewportSize(width, height));
    contexts.add(context);
    context.setDefaultTimeout(DEADLINE_MS);
    Page page = context.newPage();
    page.onPageError(complaints::add);
    page.onConsoleMessage(
        message -> {
          if (message.text().contains("Content Security Policy")) {
            complaints.add(message.text());
          }
        });
    page.navigate(address);
    return page;
  }

  /** Closes all tabs; fails where one had an error that no code caught, or blocked something. */
  void closeTabs() {
    contexts.forEach(BrowserContext::close);
    contexts.clear();
    List<String> heard = List.copyOf(complaints);
    complaints.clear();
    Assertions.assertThat(heard).as("errors and blocked content").isEmpty();
  }

  static Locator button(Page page, String name) {
    return page.getByRole(
        AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  static void contains(Locator locator, String text) {
    PlaywrightAssertions.assertThat(locator)
        .containsText(text, new ContainsTextOptions().setIgnoreCase(true));
  }

  /** With {@code -Dtandem.screenshots=DIR}, leaves a picture of the whole page there. */
  static void picture(Page page, String name) {
    if (wantsPictures()) {
      page.mouse().move(0, 0);
      page.evaluate("scrollTo(0, 0)");
      Path file = Path.of(System.getProperty(PICTURES), name + ".png");
      page.screenshot(new Page.ScreenshotOptions().setPath(file).setFullPage(true));
    }
  }

  static boolean wantsPictures() {
    return !System.getProperty(PICTURES, "").isEmpty();
  }

  @Override
  public void close() {
    browser.close();
    playwright.close();
  }
}
