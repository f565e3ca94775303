package io.tandem.worker.data;

import io.tandem.worker.random.CounterRandom;
import java.util.ArrayList;
import java.util.List;

/** Chooses the images whose labels training may see. */
final class LabeledSubset {
  private LabeledSubset() {}

  /**
   * Indices into the training images, in rising order.
   *
   * @param perClass how many of each class are drawn by the seed; 0 takes all labelled images
   * @throws DataException when a class has too few, or no image is labelled
   */
  static int[] choose(ImageSource train, int classes, int perClass, long seed) {
    List<List<Integer>> byClass = new ArrayList<>();
    for (int k = 0; k < classes; k++) {
      byClass.add(new ArrayList<>());
    }
    for (int i = 0; i < train.count(); i++) {
      if (train.label(i) != ImageSource.UNLABELED) {
        byClass.get(train.label(i)).add(i);
      }
    }
    List<Integer> chosen = new ArrayList<>();
    for (int k = 0; k < classes; k++) {
      List<Integer> members = byClass.get(k);
      if (members.isEmpty() || members.size() < perClass) {
        throw new DataException(
            "data.labeledPerClass is "
                + perClass
                + ", but class "
                + k
                + " has only "
                + members.size()
                + " labelled training images (every class needs at least 1); "
                + "lower it or label more");
      }
      if (perClass == 0) {
        chosen.addAll(members);
        continue;
      }
      CounterRandom random = CounterRandom.of(CounterRandom.Purpose.LABELED_SUBSET, seed, k);
      for (int i = 0; i < perClass; i++) {
        int j = i + random.nextInt(members.size() - i);
        chosen.add(members.set(j, members.get(i)));
      }
    }
    return chosen.stream().mapToInt(Integer::intValue).sorted().toArray();
  }
}
