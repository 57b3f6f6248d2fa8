/* Stands in for the symbol table in the first link, from whose symbols the real one is made. */
.section symbol_table, "a"
.balign 4
.globl symbol_index, symbol_index_end, symbol_data, symbol_data_end
symbol_index:
symbol_index_end:
symbol_data:
symbol_data_end:
