/* struct TrapFrame in arch/x86_64/trap_frame.hh, for assembly. */
#pragma once

#define F_R15 0
#define F_R14 8
#define F_R13 16
#define F_R12 24
#define F_R11 32
#define F_R10 40
#define F_R9 48
#define F_R8 56
#define F_RBP 64
#define F_RDI 72
#define F_RSI 80
#define F_RDX 88
#define F_RCX 96
#define F_RBX 104
#define F_RAX 112
#define F_RFLAGS 120
#define F_RIP 128
#define F_RSP 136
#define F_RETURN 144
#define F_VECTOR 152
#define F_ERROR 160
#define F_CS 168
#define F_SS 176
#define F_ENABLED 184
#define F_SIZE 192
/* TrapFrame::vector of a system call */
#define CALL_VECTOR 256
/* linux_abi::kCallNumbers */
#define CALL_NUMBERS 512
