package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A directory with {@code labels.csv}, whose header names at least {@code path}, {@code label} and
 * {@code split}. The split is {@code labelled} (or {@code labeled}, {@code train}), {@code
 * unlabelled} (or {@code unlabeled}), or {@code test}. The label of an unlabelled row is not read:
 * whatever stands there, training cannot see it.
 */
final class PictureList {
  private static final String FILE = "labels.csv";

  private PictureList() {}

  static DataSet open(Path directory, DataSpec spec) {
    Path file = directory.resolve(FILE);
    List<String> lines = read(file);
    List<String> header = lines.isEmpty() ? List.of() : cells(lines.get(0));
    int path = column(header, "path", file);
    int label = column(header, "label", file);
    int split = column(header, "split", file);
    List<FilePicture> train = new ArrayList<>();
    List<FilePicture> test = new ArrayList<>();
    for (int i = 1; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      String where = file + ", line " + (i + 1);
      List<String> cells = cells(lines.get(i));
      if (cells.size() <= Math.max(path, Math.max(label, split))) {
        throw new DataException(
            where
                + " has "
                + cells.size()
                + " cells, the header "
                + header.size()
                + "; complete the line");
      }
      String name = path(cells.get(path), where);
      switch (cells.get(split).toLowerCase(Locale.ROOT)) {
        case "labelled", "labeled", "train" ->
            train.add(new FilePicture(name, label(cells.get(label), spec, where)));
        case "unlabelled", "unlabeled" -> train.add(new FilePicture(name, ImageSource.UNLABELED));
        case "test" -> test.add(new FilePicture(name, label(cells.get(label), spec, where)));
        default ->
            throw new DataException(
                where
                    + ": split is '"
                    + cells.get(split)
                    + "', allowed are labelled, unlabelled"
                    + " and test; correct it");
      }
    }
    refuseTestInTraining(train, test, file);
    ImageCodec codec = new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels());
    return new DataSet(
        FilePicture.source(directory, train, codec), FilePicture.source(directory, test, codec));
  }

  private static void refuseTestInTraining(
      List<FilePicture> train, List<FilePicture> test, Path file) {
    Set<String> seen = new HashSet<>();
    train.forEach(entry -> seen.add(entry.name()));
    for (FilePicture entry : test) {
      if (seen.contains(entry.name())) {
        throw new DataException(
            file + ": " + entry.name() + " is both a training and a test image; remove one line");
      }
    }
  }

  private static List<String> read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new DataException(
          file + " does not exist; format csv needs it, with columns path, label and split");
    }
    try {
      return Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new DataException(file + " cannot be read as UTF-8 text: " + e.getMessage(), e);
    }
  }

  private static int column(List<String> header, String name, Path file) {
    int index = header.indexOf(name);
    if (index < 0) {
      throw new DataException(
          file + " has the columns " + header + "; path, label and split are needed: add " + name);
    }
    return index;
  }

  /** Normalised, so that the same file is known by one name. */
  private static String path(String text, String where) {
    try {
      if (!text.isEmpty()) {
        return Path.of(text).normalize().toString();
      }
    } catch (InvalidPathException e) {
      throw new DataException(where + ": path is '" + text + "', no path of a file; correct it", e);
    }
    throw new DataException(where + ": path is empty; give a file's path relative to the csv");
  }

  private static int label(String text, DataSpec spec, String where) {
    try {
      return Labels.checked(Integer.parseInt(text), spec.classes(), where + ": label");
    } catch (NumberFormatException e) {
      throw new DataException(
          where
              + ": label is '"
              + text
              + "', allowed are 0.."
              + (spec.classes() - 1)
              + "; labelled and test images need one",
          e);
    }
  }

  /** The cells of one line; a cell in double quotes may hold commas, and quotes doubled. */
  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"' && quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        cell.append(c);
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        cells.add(cell.toString().strip());
        cell.setLength(0);
      } else if (c != '\uFEFF') {
        cell.append(c);
      }
    }
    cells.add(cell.toString().strip());
    return cells;
  }
}
