package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.Shape;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Pointer;

/** A compiled kernel for one shape, run on tensors again and again. One rank's thread only. */
final class OneDnnPrimitive implements AutoCloseable {
  /**
   * One of a kernel's tensors.
   *
   * @param argument its role, a DNNL_ARG constant
   * @param query what tells its layout, a dnnl_query constant
   */
  record Operand(int argument, int query) {}

  /** An address that changes from run to run. */
  private static final class Address extends Pointer {
    Address at(long value) {
      address = value;
      return this;
    }
  }

  private final OneDnn oneDnn;
  private final dnnl_primitive primitive = new dnnl_primitive();
  private final List<dnnl_memory> places = new ArrayList<>();
  private final dnnl_exec_arg_t arguments;
  private final Address address = new Address();
  private final int scratchFloats;

  /** Compiles; destroys the description. */
  OneDnnPrimitive(OneDnn oneDnn, dnnl_primitive_desc description, Operand... operands) {
    this.oneDnn = oneDnn;
    OneDnn.check("a kernel", dnnl.dnnl_primitive_create(primitive, description));
    Operand scratch = new Operand(dnnl.DNNL_ARG_SCRATCHPAD, dnnl.dnnl_query_scratchpad_md);
    scratchFloats = floats(layout(description, scratch));
    arguments = new dnnl_exec_arg_t(operands.length + 1);
    for (Operand operand : operands) {
      place(operand.argument(), layout(description, operand));
    }
    place(scratch.argument(), layout(description, scratch));
    arguments.position(0);
    OneDnn.check("a kernel", dnnl.dnnl_primitive_desc_destroy(description));
  }

  private void place(int argument, dnnl_memory_desc layout) {
    dnnl_memory place = new dnnl_memory();
    OneDnn.check(
        "an operand", dnnl.dnnl_memory_create(place, layout, oneDnn.engine(), address.at(0)));
    arguments.position(places.size()).arg(argument).memory(place);
    places.add(place);
  }

  /** The layout of an operand as the kernel wants it; lives as long as the description. */
  static dnnl_memory_desc layout(dnnl_primitive_desc description, Operand operand) {
    return dnnl.dnnl_primitive_desc_query_md(description, operand.query(), 0);
  }

  /** Length of the memory for a layout. */
  static int floats(dnnl_memory_desc layout) {
    return Math.toIntExact(dnnl.dnnl_memory_desc_get_size(layout) / Float.BYTES);
  }

  /** Runs on these operands, in the order of the constructor's. */
  void run(Nd4jMemory memory, Nd4jTensor... operands) {
    for (int i = 0; i < operands.length; i++) {
      put(i, operands[i]);
    }
    Nd4jTensor scratch = scratchFloats == 0 ? null : memory.uninitialized(Shape.of(scratchFloats));
    if (scratch != null) {
      put(operands.length, scratch);
    }
    OneDnn.check(
        "a kernel run",
        dnnl.dnnl_primitive_execute(primitive, oneDnn.stream(), operands.length + 1, arguments));
    if (scratch != null) {
      scratch.close();
    }
  }

  private void put(int operand, Nd4jTensor x) {
    OneDnn.check(
        "an operand",
        dnnl.dnnl_memory_set_data_handle(places.get(operand), address.at(x.address())));
  }

  @Override
  public void close() {
    dnnl.dnnl_primitive_destroy(primitive);
    places.forEach(dnnl::dnnl_memory_destroy);
    arguments.close();
  }
}
