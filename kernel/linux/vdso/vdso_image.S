// The vDSO's bytes; PLUMBLINE_VDSO is the file that CMakeLists.txt links.
  .section .rodata
  .balign 64
  .globl vdso_image_begin, vdso_image_end
vdso_image_begin:
  .incbin PLUMBLINE_VDSO
vdso_image_end:
