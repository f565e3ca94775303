package io.tandem.worker.engine.nd4j;

import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;

/**
 * oneDNN on the CPU for one rank's thread. ND4J carries a oneDNN too, but an old one (2.3) that it
 * calls with layouts of its choice: it rearranges whole images before and after every backward, and
 * has no backward for the weights alone. This one (3.11) computes on N H W C as it lies.
 */
final class OneDnn implements AutoCloseable {
  private final dnnl_engine engine = new dnnl_engine();
  private final dnnl_stream stream = new dnnl_stream();
  private final dnnl_primitive_attr attributes = new dnnl_primitive_attr();

  OneDnn() {
    check("an engine", dnnl.dnnl_engine_create(engine, dnnl.dnnl_cpu, 0));
    check("a stream", dnnl.dnnl_stream_create(stream, engine, dnnl.dnnl_stream_in_order));
    check("attributes", dnnl.dnnl_primitive_attr_create(attributes));
    // Scratch memory comes from our pool, where it is counted and reused.
    check(
        "attributes",
        dnnl.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl.dnnl_scratchpad_mode_user));
  }

  dnnl_engine engine() {
    return engine;
  }

  dnnl_stream stream() {
    return stream;
  }

  dnnl_primitive_attr attributes() {
    return attributes;
  }

  /** float32 of these dims, in whatever layout suits the primitive. */
  static dnnl_memory_desc anyLayout(long... dims) {
    dnnl_memory_desc layout = new dnnl_memory_desc();
    check(
        "a layout",
        dnnl.dnnl_memory_desc_create_with_tag(
            layout, dims.length, dims, dnnl.dnnl_f32, dnnl.dnnl_format_tag_any));
    return layout;
  }

  /** float32 of these dims, that far apart. */
  static dnnl_memory_desc layout(long[] dims, long[] strides) {
    dnnl_memory_desc layout = new dnnl_memory_desc();
    check(
        "a layout",
        dnnl.dnnl_memory_desc_create_with_strides(
            layout, dims.length, dims, dnnl.dnnl_f32, strides));
    return layout;
  }

  /** Moves values from one layout to another: operands are DNNL_ARG_FROM and DNNL_ARG_TO. */
  OneDnnPrimitive reorder(dnnl_memory_desc from, dnnl_memory_desc to) {
    dnnl_primitive_desc description = new dnnl_primitive_desc();
    check(
        "a reorder",
        dnnl.dnnl_reorder_primitive_desc_create(description, from, engine, to, engine, attributes));
    return new OneDnnPrimitive(
        this,
        description,
        new OneDnnPrimitive.Operand(dnnl.DNNL_ARG_FROM, dnnl.dnnl_query_src_md),
        new OneDnnPrimitive.Operand(dnnl.DNNL_ARG_TO, dnnl.dnnl_query_dst_md));
  }

  /** What oneDNN answered: anything but success is a mistake of ours or of the machine. */
  static void check(String what, int status) {
    if (status != dnnl.dnnl_success) {
      throw new IllegalStateException("oneDNN could not make " + what + ": status " + status);
    }
  }

  @Override
  public void close() {
    dnnl.dnnl_primitive_attr_destroy(attributes);
    dnnl.dnnl_stream_destroy(stream);
    dnnl.dnnl_engine_destroy(engine);
  }
}
