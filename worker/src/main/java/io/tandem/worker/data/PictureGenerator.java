package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.random.CounterRandom;
import io.tandem.worker.random.CounterRandom.Purpose;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Writes a set of JPEG pictures that take some learning: a class is a texture on a shape, and
 * neither colour, size, turn, place nor the clutter around tells it. The same parameters give the
 * same pictures. Unlabelled pictures carry no trace of their class in name, order or list.
 *
 * @param seed the only source of randomness
 * @param classes K, at least 2 and at most {@link PictureScene#CLASSES}
 * @param labeledPerClass labelled training pictures of each class
 * @param unlabeled unlabelled training pictures, of classes drawn at random
 * @param testPerClass test pictures of each class
 * @param side rows and columns, at least 32
 */
public record PictureGenerator(
    long seed, int classes, int labeledPerClass, int unlabeled, int testPerClass, int side) {
  private static final int QUALITY = 90;

  public PictureGenerator {
    refuse(classes, "classes", 2, PictureScene.CLASSES);
    refuse(labeledPerClass, "labeledPerClass", 1, 1_000_000);
    refuse(unlabeled, "unlabeled", 0, 1_000_000);
    refuse(testPerClass, "testPerClass", 1, 1_000_000);
    refuse(side, "side", 32, 8192);
  }

  private enum Split {
    TRAIN,
    UNLABELED,
    TEST
  }

  private record Task(Split split, int number, int label, String path) {}

  /**
   * The classes' names, in the order of the labels that format csv writes. Read as a folder,
   * classes are numbered by the order of their names instead.
   */
  public List<String> classNames() {
    return Stream.iterate(0, k -> k + 1).limit(classes).map(PictureScene::className).toList();
  }

  /**
   * Writes the pictures.
   *
   * @param directory made if missing; must be empty
   * @param format {@code FOLDER} or {@code CSV}
   * @param threads how many draw at a time
   * @return how many pictures were written
   * @throws DataException when the directory cannot be written or is not empty
   */
  public int write(Path directory, DataSpec.Format format, int threads) {
    if (format != DataSpec.Format.FOLDER && format != DataSpec.Format.CSV) {
      throw new DataException("pictures are written in format folder or csv, not " + format);
    }
    List<Task> tasks = tasks(format);
    ExecutorService drawers = Executors.newFixedThreadPool(threads);
    try {
      prepare(directory, tasks);
      List<Future<?>> drawn = new ArrayList<>();
      for (Task task : tasks) {
        drawn.add(drawers.submit(() -> draw(directory, task)));
      }
      for (Future<?> picture : drawn) {
        picture.get();
      }
      if (format == DataSpec.Format.CSV) {
        Files.write(directory.resolve("labels.csv"), list(tasks));
      }
      return tasks.size();
    } catch (IOException e) {
      throw new DataException(directory + " cannot be written: " + e, e);
    } catch (ExecutionException e) {
      throw new DataException(directory + ": drawing failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DataException("interrupted while drawing pictures", e);
    } finally {
      drawers.shutdownNow();
    }
  }

  private List<Task> tasks(DataSpec.Format format) {
    List<Task> tasks = new ArrayList<>();
    boolean folder = format == DataSpec.Format.FOLDER;
    for (int i = 0; i < labeledPerClass * classes; i++) {
      String home = folder ? "train/" + PictureScene.className(i % classes) : "train";
      tasks.add(new Task(Split.TRAIN, i, i % classes, home + "/" + fileName(i)));
    }
    CounterRandom random = CounterRandom.of(Purpose.PICTURES, seed, Split.UNLABELED.ordinal());
    for (int i = 0; i < unlabeled; i++) {
      String path = "unlabeled/" + fileName(i);
      tasks.add(new Task(Split.UNLABELED, i, random.nextInt(classes), path));
    }
    for (int i = 0; i < testPerClass * classes; i++) {
      String home = folder ? "test/" + PictureScene.className(i % classes) : "test";
      tasks.add(new Task(Split.TEST, i, i % classes, home + "/" + fileName(i)));
    }
    return tasks;
  }

  private static String fileName(int number) {
    return String.format(Locale.ROOT, "%06d.jpg", number);
  }

  private static void prepare(Path directory, List<Task> tasks) throws IOException {
    Files.createDirectories(directory);
    try (Stream<Path> content = Files.list(directory)) {
      if (content.findAny().isPresent()) {
        throw new DataException(directory + " is not empty; give a new directory for the pictures");
      }
    }
    for (Path home :
        tasks.stream()
            .map(task -> directory.resolve(task.path()).getParent())
            .distinct()
            .toList()) {
      Files.createDirectories(home);
    }
  }

  private Path draw(Path directory, Task task) throws IOException {
    CounterRandom random =
        CounterRandom.of(Purpose.PICTURES, seed, task.split().ordinal(), task.number());
    byte[] bgr = new PictureScene(side, random).draw(task.label());
    return Files.write(
        directory.resolve(task.path()), ImageCodec.encodeJpeg(bgr, side, side, QUALITY));
  }

  private static List<String> list(List<Task> tasks) {
    List<String> lines = new ArrayList<>();
    lines.add("path,label,split");
    for (Task task : tasks) {
      lines.add(
          switch (task.split()) {
            case TRAIN -> task.path() + "," + task.label() + ",labelled";
            case UNLABELED -> task.path() + ",,unlabelled";
            case TEST -> task.path() + "," + task.label() + ",test";
          });
    }
    return lines;
  }

  private static void refuse(int given, String name, int least, int most) {
    if (given < least || given > most) {
      throw new DataException(
          name + " is " + given + ", allowed are " + least + ".." + most + "; change it");
    }
  }
}
