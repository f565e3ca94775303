package io.tandem.coordinator.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;

/**
 * The files of the web page by the path at which they are served. All are read once and only these
 * exact paths exist, so that no path can lead elsewhere. Immutable.
 */
public final class PageFiles {
  private static final List<String> OWN =
      List.of(
          "app.js",
          "api.js",
          "chart.js",
          "curves.js",
          "dialogs.js",
          "format.js",
          "icon.svg",
          "index.html",
          "job.js",
          "jobs.js",
          "mesh.js",
          "samples.js",
          "shell.js",
          "style.css",
          "submit.js",
          "workers.js");
  private static final Map<String, List<String>> LIBRARIES =
      Map.of(
          "lit-html",
          List.of(
              "lit-html.js",
              "directive.js",
              "directive-helpers.js",
              "directives/live.js",
              "directives/repeat.js"),
          "uplot",
          List.of("dist/uPlot.esm.js", "dist/uPlot.min.css"));

  private final Map<String, PageFile> files = new HashMap<>();

  /** Reads all files. */
  public PageFiles() {
    OWN.forEach(name -> files.put("/web/" + name, PageFile.of(name, bytes(name))));
    files.put("/", files.remove("/web/index.html"));
    LIBRARIES.forEach(this::library);
  }

  private void library(String library, List<String> names) {
    String root = "/META-INF/resources/webjars/" + library + "/" + version(library) + "/";
    for (String name : names) {
      files.put("/web/lib/" + library + "/" + name, PageFile.of(name, bytes(root + name)));
    }
  }

  /** The file at that path. */
  public Optional<PageFile> at(String path) {
    return Optional.ofNullable(files.get(path));
  }

  /** Whether the path belongs to the page, with or without a file. */
  public static boolean owns(String path) {
    return path.equals("/") || path.startsWith("/web/");
  }

  Set<String> paths() {
    return Set.copyOf(files.keySet());
  }

  private static String version(String library) {
    Properties properties = new Properties();
    String name = "/META-INF/maven/org.webjars.npm/" + library + "/pom.properties";
    try (InputStream stream = open(name)) {
      properties.load(stream);
    } catch (IOException e) {
      throw new UncheckedIOException(name, e);
    }
    return properties.getProperty("version");
  }

  private static byte[] bytes(String name) {
    try (InputStream stream = open(name)) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(name, e);
    }
  }

  private static InputStream open(String name) {
    InputStream stream = PageFiles.class.getResourceAsStream(name);
    if (stream == null) {
      throw new IllegalStateException(name + " is missing from the class path");
    }
    return stream;
  }
}
