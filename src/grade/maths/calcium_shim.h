/* Calcium for C++: its headers of version 0.4 are C that no C++ compiler takes. A value belongs to its field and is
 * freed with exact_free(); a field is freed after its values. */
#ifndef RETORT_GRADE_MATHS_CALCIUM_SHIM_H
#define RETORT_GRADE_MATHS_CALCIUM_SHIM_H

#include <flint/fmpq.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct exact_field exact_field;
typedef struct exact_value exact_value;

typedef enum { EXACT_ADD, EXACT_MULTIPLY, EXACT_DIVIDE, EXACT_POWER } exact_operation;
typedef enum {
  EXACT_NEGATE,
  EXACT_INVERT,
  EXACT_SQRT,
  EXACT_EXP,
  EXACT_LOG,
  EXACT_SIN,
  EXACT_COS,
  EXACT_TAN,
  EXACT_ASIN,
  EXACT_ACOS,
  EXACT_ATAN,
  EXACT_ABS,
  EXACT_FLOOR,
  EXACT_CEIL
} exact_function;
typedef enum { EXACT_PI, EXACT_E, EXACT_I } exact_constant;
typedef enum { EXACT_NO, EXACT_YES, EXACT_UNKNOWN } exact_answer;

exact_field* exact_field_new(void);
void exact_field_free(exact_field* field);
exact_value* exact_new(exact_field* field); /* zero */
void exact_free(exact_field* field, exact_value* value);

void exact_set_fraction(exact_field* field, exact_value* value, const fmpq* fraction);
void exact_set_constant(exact_field* field, exact_value* value, exact_constant constant);
void exact_combine(exact_field* field, exact_operation operation, exact_value* left,
                   exact_value* right);                                            /* left op= right */
void exact_apply(exact_field* field, exact_function function, exact_value* value); /* in place */

int exact_is_special(exact_field* field, exact_value* value); /* infinite or undefined */
exact_answer exact_is_negative(exact_field* field, exact_value* value);
exact_answer exact_equal(exact_field* field, exact_value* a, exact_value* b);

#ifdef __cplusplus
}
#endif

#endif
