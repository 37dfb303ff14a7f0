/* A machine of bytecodes with a switch in a loop: one indirect jump for each of them. */
#include "guest.h"

enum { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, LOAD, STORE, JNZ, LESS, DROP, END };

/* Sums of products, a nested loop. */
static const u8 program[] = {
    PUSH, 0, STORE, 0, PUSH, 200, STORE, 1,
    PUSH, 50, STORE, 2,
    LOAD, 1, LOAD, 2, MUL, LOAD, 0, ADD, DUP, PUSH, 7, XOR, SWAP, PUSH, 3, LESS, ADD, STORE, 0,
    LOAD, 2, PUSH, 1, SUB, DUP, STORE, 2, JNZ, 12,
    LOAD, 1, PUSH, 1, SUB, DUP, STORE, 1, JNZ, 8,
    END,
};

static KEEP u32 interpret(const u8 *code)
{
    u32 stack[16], *sp = stack, slots[4];
    const u8 *pc = code;
    for (;;)
    {
        switch (*pc++)
        {
        case PUSH: *sp++ = *pc++; break;
        case ADD: sp--; sp[-1] += sp[0]; break;
        case SUB: sp--; sp[-1] -= sp[0]; break;
        case MUL: sp--; sp[-1] *= sp[0]; break;
        case XOR: sp--; sp[-1] ^= sp[0]; break;
        case DUP: sp[0] = sp[-1]; sp++; break;
        case SWAP: { u32 t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; break; }
        case LOAD: *sp++ = slots[*pc++]; break;
        case STORE: slots[*pc++] = *--sp; break;
        case JNZ: pc = *--sp ? code + *pc : pc + 1; break;
        case LESS: sp--; sp[-1] = sp[-1] < sp[0]; break;
        case DROP: sp--; break;
        default: return slots[0];
        }
    }
}

u32 iteration(u32 number)
{
    return interpret(program);
}
