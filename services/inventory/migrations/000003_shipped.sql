-- Goods that left the warehouse: booked out by a receipt of their own, and promised to nobody any more. The wider set
-- holds for every row that the narrower one held for: nothing is scanned.
alter table reservation drop constraint reservation_state_check;
alter table reservation add constraint reservation_state_check
  check (state in ('HELD', 'COMMITTED', 'SHIPPED', 'RELEASED', 'REFUSED')) not valid;
