/* An extension module that takes references by calls, and one way inline.
 *
 *     leak(x)          takes one, and forgets it
 *     leak_inline(x)   the same, inline; not where the stable ABI of 3.12 has no such thing
 *     borrow(x)        takes one, and gives it back
 *     identity(x)      takes one for its caller
 *     keep(x), drop()  takes one that it has in memory of its own; gives all of these back
 *     nothing()        takes and gives back a reference to no object
 */
#include <Python.h>

#include <stdlib.h>

/* There the macros call functions of their own. */
#if defined Py_LIMITED_API && Py_LIMITED_API >= 0x030c0000
#define TAKE Py_INCREF
#define GIVE Py_DECREF
#else
#define TAKE Py_IncRef
#define GIVE Py_DecRef
#endif

static PyObject **kept;
static size_t kept_count;

static PyObject *leak(PyObject *self, PyObject *object) {
    (void)self;
    TAKE(object);
    Py_RETURN_NONE;
}

static PyObject *leak_inline(PyObject *self, PyObject *object) {
    (void)self;
    Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyObject *borrow(PyObject *self, PyObject *object) {
    (void)self;
    TAKE(object);
    GIVE(object);
    Py_RETURN_NONE;
}

static PyObject *identity(PyObject *self, PyObject *object) {
    (void)self;
    TAKE(object);
    return object;
}

static PyObject *keep(PyObject *self, PyObject *object) {
    (void)self;
    PyObject **more = realloc(kept, (kept_count + 1) * sizeof *kept);
    if (!more)
        return PyErr_NoMemory();
    kept = more;
    TAKE(object);
    kept[kept_count++] = object;
    Py_RETURN_NONE;
}

static PyObject *drop(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    while (kept_count > 0) {
        kept_count--;
        GIVE(kept[kept_count]);
    }
    Py_RETURN_NONE;
}

static PyObject *nothing(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    Py_IncRef(NULL);
    Py_DecRef(NULL);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"leak", leak, METH_O, NULL},
    {"leak_inline", leak_inline, METH_O, NULL},
    {"borrow", borrow, METH_O, NULL},
    {"identity", identity, METH_O, NULL},
    {"keep", keep, METH_O, NULL},
    {"drop", drop, METH_NOARGS, NULL},
    {"nothing", nothing, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, NAME, NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC INIT(void);
PyMODINIT_FUNC INIT(void) {
    return PyModule_Create(&definition);
}
